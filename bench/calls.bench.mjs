// Calls at a fixed rate: how long from a creation to the ringing of the callee, and from an answer to the caller's hearing it.

import { createHmac } from "node:crypto";
import { Agent, request } from "node:http";
import { secret, startServer } from "./server.mjs";

const perSecond = Number(process.env.BENCH_CALLS ?? 500);
const seconds = Number(process.env.BENCH_SECONDS ?? 10);
export const about = {
  title: "Calls at a fixed rate",
  circumstances: "Each step has its commit on the disk in between (SQLite WAL, `synchronous=FULL`).",
};
const nPairs = perSecond * 3; // each caller's turn comes every three seconds, within the limits of ringing

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
function token(claims) {
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ exp: Math.floor(Date.now() / 1000) + 3600, ...claims })}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
function rest(url, bearer, method, path, body) {
  return new Promise((done, fail) => {
    const text = JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${bearer}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    };
    const sent = request(url + path, { method, agent, headers }, (answer) => {
      let all = "";
      answer.setEncoding("utf8").on("data", (part) => {
        all += part;
      });
      answer.on("end", () => done({ status: answer.statusCode, body: all }));
    });
    sent.on("error", fail);
    sent.end(text);
  });
}

/** A device, as raw frames: what it hears goes to `heard`. */
function device(url, user, heard) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
  const opened = new Promise((done, fail) => {
    socket.onerror = fail;
    socket.onmessage = ({ data }) => {
      if (data[0] === "0") socket.send(`40/webrtc,${JSON.stringify({ token: token({ sub: user }) })}`);
      else if (data === "2") socket.send("3");
      else if (data.startsWith("42/webrtc,")) {
        const [event, payload] = JSON.parse(data.slice(10));
        if (event === "sync") done();
        else heard(event, payload);
      }
    };
  });
  const send = (event, payload) => socket.send(`42/webrtc,${JSON.stringify([event, payload])}`);
  return { opened, send, close: () => socket.close() };
}

const percentile = (values, p) =>
  values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))] ?? Number.NaN;

class Pair {
  joinedAt = 0;
  constructor(url, n, times) {
    this.url = url;
    this.n = n;
    this.bearer = token({ sub: `caller${n}` });
    this.caller = device(url, `caller${n}`, (event) => {
      if (event === "call.accepted" && this.joinedAt) times.accepted.push(performance.now() - this.joinedAt);
    });
    this.callee = device(url, `callee${n}`, (event, { callId }) => {
      if (event !== "call.incoming") return;
      times.incoming.push(performance.now() - this.createdAt);
      this.joinedAt = performance.now();
      this.callee.send("call.join", { callId });
      setTimeout(() => this.callee.send("call.leave", { callId }), 1000);
    });
  }
  async call() {
    this.joinedAt = 0;
    this.createdAt = performance.now();
    const body = { channelId: `pair${this.n}`, callType: "audio", participants: [`callee${this.n}`] };
    const answer = await rest(this.url, this.bearer, "POST", "/api/calls", body);
    return answer.status === 201;
  }
}

/** Calls begin at even distances, whether the answers come or not. */
async function load(pairs) {
  const total = perSecond * seconds;
  const from = performance.now();
  const calls = [];
  await new Promise((done) => {
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - from) / 1000) * perSecond));
      while (calls.length < due) calls.push(pairs[calls.length % pairs.length].call());
      if (calls.length === total) {
        clearInterval(timer);
        done();
      }
    }, 1);
  });
  const made = (await Promise.all(calls)).filter(Boolean).length;
  await new Promise((done) => setTimeout(done, 1500));
  return { total, made };
}

async function inParallel(items, width, work) {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    }),
  );
}

export default async function bench() {
  const server = await startServer(["--log-level", "warn", "--turn-listen", "none"]);
  const times = { incoming: [], accepted: [] };
  const host = token({ sub: "host", scope: "server" });
  const pairs = [];
  try {
    const numbers = Array.from({ length: nPairs }, (_, n) => n);
    await inParallel(numbers, 32, (n) =>
      rest(server.url, host, "PUT", `/api/channels/pair${n}`, { name: null, members: [`caller${n}`, `callee${n}`] }),
    );
    await inParallel(numbers, 32, async (n) => {
      pairs[n] = new Pair(server.url, n, times);
      await Promise.all([pairs[n].caller.opened, pairs[n].callee.opened]);
    });
    const { total, made } = await load(pairs);
    const row = (what, values) => ({
      what: `${what}, ${perSecond} calls/s: p99 (p50) of ${values.length}`,
      value: `${percentile(values, 0.99).toFixed(1)} ms (${percentile(values, 0.5).toFixed(1)})`,
      goal: "< 20 ms",
    });
    return [
      row("create to call.incoming", times.incoming),
      row("accept to call.accepted", times.accepted),
      { what: "calls made of those asked for", value: `${made} of ${total}`, goal: "all" },
    ];
  } finally {
    for (const pair of pairs) {
      pair?.caller.close();
      pair?.callee.close();
    }
    agent.destroy();
    await server.stop();
  }
}
