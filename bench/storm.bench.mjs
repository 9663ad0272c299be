// Ten thousand sockets, a thousand of them in calls, cut in the same moment: how long until all are back in their
// sessions, plain and with TLS; and what a storm of 2,000 handshakes means for those who are in the middle of a call.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median, memory, startServer } from "./server.mjs";
import { buildLoad, makeCalls, startLoad } from "./signal/clients.mjs";

const sockets = Number(process.env.BENCH_STORM ?? 10_000);
const calls = Math.min(500, sockets / 4);
const handshakes = 2000;
const rounds = 3;

function certificate() {
  const folder = mkdtempSync(join(tmpdir(), "bellwire-bench-"));
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=localhost"];
  const words = ["req", "-x509", "-nodes", "-days", "2", ...kind, "-keyout", files.key, "-out", files.cert];
  execFileSync("openssl", words, { stdio: "ignore" });
  return {
    args: ["--tls-cert", files.cert, "--tls-key", files.key],
    remove: () => rmSync(folder, { recursive: true }),
  };
}

const quiet = ["--log-level", "error", "--turn-listen", "none", "--max-connections", String(sockets + 3000)];
const free = ["--events-per-second", "0", "--ring-timeout", "180s", "--ping-interval", "25s", "--ping-timeout", "20s"];

/** A server and whatever else was opened; all of it ended whatever happens. */
async function withServer(args, use) {
  const open = [];
  try {
    const server = await startServer([...quiet, ...free, ...args]);
    open.push(server);
    return await use(server, (one) => {
      open.push(one);
      return one;
    });
  } finally {
    for (const one of open.reverse()) await one.stop();
  }
}

/** After each storm messages go through all calls; one that is lost ends the measurement. */
const storms = (transport, args, tickets = 0) =>
  withServer(args, async (server, keep) => {
    const load = keep(await startLoad(server, transport, sockets, await makeCalls(server.url, calls)));
    await load.run("candidate 1 0 300");
    const results = [];
    for (let round = 0; round < rounds; round++) {
      const storm = await load.run(`storm ${tickets} 0 0`);
      if (storm.resumed !== sockets && round)
        throw new Error(`only some found their session and call: ${JSON.stringify(storm)}`);
      await load.run("candidate 1 0 300");
      results.push(storm);
    }
    return results;
  });

/** Latency of messages in calls, without and with others' handshakes; the loop's greatest lateness meanwhile. */
const besideHandshakes = (args) =>
  withServer(args, async (server, keep) => {
    const people = keep(await startLoad(server, "tls", 200, await makeCalls(server.url, 100)));
    const others = keep(await startLoad(server, "tls", handshakes));
    const calm = await people.run("candidate 0 500 3000");
    const [busy, storm] = await Promise.all([people.run("candidate 0 500 3000"), others.run("storm 0 0 0")]);
    return { calm, busy, storm };
  });

/** What idle connections in a session hold, of `sockets` of them: once each has come, or has fetched 60 kB before. */
async function idleMemory(args) {
  const web = mkdtempSync(join(tmpdir(), "bellwire-bench-"));
  writeFileSync(join(web, "large.txt"), "x".repeat(60_000));
  const held = (first) =>
    withServer([...args, "--web", web], async (server, keep) => {
      const before = memory(server.pid).all;
      keep(await startLoad(server, "tls", sockets, undefined, first ? { LOAD_FIRST: first } : {}));
      return (memory(server.pid).all - before) / sockets;
    });
  try {
    return { idle: await held(), after: await held("/large.txt") };
  } finally {
    rmSync(web, { recursive: true });
  }
}

function row(what, results, goalMs) {
  const allMs = median(results.map((one) => one.allMs));
  const cpuMs = median(results.map((one) => one.cpuMs));
  return {
    what,
    value: `${(allMs / 1000).toFixed(2)} s, ${(cpuMs / 1000).toFixed(2)} s of CPU`,
    goal: `<= ${goalMs / 1000} s`,
    good: allMs <= goalMs,
  };
}

export default async function bench() {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"; // our own certificate, of this run
  const tls = certificate();
  try {
    await buildLoad();
    const plain = await storms("websocket", []);
    const secure = await storms("tls", tls.args, 1);
    const full = await storms("tls", tls.args);
    const beside = await besideHandshakes(tls.args);
    const kB = await idleMemory(tls.args);
    const { calm, busy, storm } = beside;
    return [
      row(`${sockets} sockets cut at once, all back in their sessions`, plain, 10_000),
      row("the same with TLS, with tickets as browsers have them", secure, 20_000),
      row("the same with TLS, full handshakes", full, 20_000),
      {
        what: `memory per idle WebSocket with TLS, in a session (${sockets} of them); after 60 kB were fetched over it`,
        value: `${kB.idle.toFixed(2)} kB; ${kB.after.toFixed(2)} kB`,
        goal: "<= 16 kB",
        good: kB.idle <= 16 && kB.after <= 16,
      },
      {
        what: `p99 (p50) of messages while ${handshakes} handshakes come at once`,
        value: `${busy.p99ms.toFixed(1)} ms (${busy.p50ms.toFixed(2)}); calm ${calm.p99ms.toFixed(1)} (${calm.p50ms.toFixed(2)}); storm ${storm.allMs} ms`,
      },
    ];
  } finally {
    tls.remove();
  }
}
