// How soon a fresh server answers, and what it holds when nobody calls.
import { median, memory, startServer } from "./server.mjs";

const rounds = 5;
const settleMs = 1000;

async function oneStart() {
  const server = await startServer();
  const answer = await fetch(`${server.url}/healthz`);
  const ms = performance.now() - server.startedAt;
  if (!answer.ok) throw new Error(`/healthz answered ${answer.status}`);
  await answer.arrayBuffer();
  await new Promise((done) => setTimeout(done, settleMs));
  const held = memory(server.pid);
  await server.stop();
  return { ms, ...held };
}

export default async function bench() {
  const starts = [];
  for (let round = 0; round < rounds; round++) starts.push(await oneStart());
  const of = (key) => median(starts.map((start) => start[key]));
  return [
    { what: "start to first answer, empty folder", value: `${of("ms").toFixed(0)} ms`, goal: "< 100 ms" },
    { what: "anonymous memory, idle", value: `${(of("anonymous") / 1024).toFixed(1)} MB`, goal: "< 8 MB" },
    { what: "resident memory, idle", value: `${(of("all") / 1024).toFixed(1)} MB`, goal: "< 20 MB" },
  ];
}
