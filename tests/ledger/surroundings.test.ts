// Bad surroundings while everybody calls: a slow disk, one that turns read-only, no file descriptors left, a clock that jumps.
import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, readdirSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { closeLater, Server, startServer } from "../lib/index.js";
import { Campaign } from "./campaign.js";
import { smallDisk } from "./disk.js";
import { isLong, note, seed, shim } from "./settings.js";

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
const size = { pairs: 4, groups: 1 };
const rounds = isLong ? 30 : 3;

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "bellwire-ledger-"));
  closeLater(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Milliseconds that a promise takes. */
async function timed(work: Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work;
  return performance.now() - from;
}

const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

it("a slow disk: whoever writes waits, nobody else does", { timeout: 600_000 }, async () => {
  const syncMs = 150;
  const run = await Campaign.begin({ seed, size, env: shim({ FAULT_SYNC_MS: String(syncMs) }) });
  const reads: number[] = [];
  const writes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await run.start();
    const { server } = run;
    const over = (async () => {
      for (let n = 0; n < 10; n++) {
        reads.push(await timed(server.rest(null).get("/healthz")));
        writes.push(await timed(server.host().put("/api/users/somebody", { name: `Name ${n}` })));
      }
    })();
    await run.callUntil(over);
    expect(await run.check(), `round ${round}`).toEqual([]);
  }
  await run.settle();
  expect(run.broken).toEqual([]);
  note(
    `a disk with ${syncMs} ms more a sync: reads ${median(reads).toFixed(1)} ms, writes ${median(writes).toFixed(0)} ms`,
  );
  expect(median(writes), "the control: a sync is slow").toBeGreaterThan(syncMs);
  expect(median(reads), "who does not write does not wait").toBeLessThan(syncMs / 2);
});

// Where a write fails nobody can say what is on the disk, so the process ends; the next start finds a good database.
it("a disk that turns read-only: it ends with 74, and has lied to nobody", { timeout: 600_000 }, async () => {
  const run = await Campaign.begin({ seed, size, data: await folder() });
  await run.callAndKill(300);
  let struck = 0;
  for (let round = 0; round < rounds; round++) {
    const strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", `${run.database}-wal`];
    const from = run.random.between(5, 60);
    const inject = ["-e", "trace=pwrite64", "-e", `inject=pwrite64:error=EROFS:when=${from}+`];
    if (await run.start([...strace, ...inject])) await run.callUntil(Promise.race([run.server.ended, pause(4000)]));
    const ending = await run.server.ended;
    if (ending.code === 74) struck++;
    expect(await run.check(), `from write ${from} on`).toEqual([]);
  }
  await run.settle();
  expect(run.broken).toEqual([]);
  note(`a disk that turns read-only: ended with 74 in ${struck} of ${rounds} runs`);
  expect(struck, "the control: the disk has refused").toBeGreaterThan(0);
});

it("on a read-only disk it does not start, and says why in one line; with rights it does", async () => {
  const data = smallDisk(16);
  const first = await startServer({ data });
  await first.channel("room", ["alice", "bob"]);
  await first.stop();
  const remount = (how: string) => execFileSync("mount", ["-o", `remount,${how}`, data]);
  remount("ro");
  const second = new Server(data, {});
  closeLater(() => second.kill());
  const failed: Error = await second.start().then(
    () => new Error("it started"),
    (error) => error,
  );
  remount("rw");
  expect(failed.message).toMatch(/"code":2/);
  expect(failed.message).toMatch(/Read-only file system/);
  const again = await startServer({ data });
  expect((await again.host().get("/api/channels/room")).status).toBe(200);
  await again.stop();
});

/** File descriptors that a process has open. */
const nOpen = (server: Server): number => readdirSync(`/proc/${server.pid}/fd`).length;
const limit = (server: Server, n: number) => execFileSync("prlimit", ["--pid", String(server.pid), `--nofile=${n}:`]);
/** Processor time of a process in milliseconds. */
async function usedMs(server: Server): Promise<number> {
  const fields =
    execFileSync("cat", [`/proc/${server.pid}/stat`], { encoding: "utf8" })
      .split(") ")[1]
      ?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

it("no file descriptors: newcomers wait or are refused, calls go on, nothing is lost", {
  timeout: 600_000,
}, async () => {
  const run = await Campaign.begin({ seed, size, data: await folder() });
  let refused = 0;
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await run.start();
    const { server } = run;
    const alone = nOpen(server);
    const over = (async () => {
      await pause(300); // everybody has come in
      limit(server, nOpen(server) - 16); // so that it takes many goodbyes before there is one again
      const strangers = Array.from({ length: 8 }, () =>
        fetch(`${server.url}/healthz`, { signal: AbortSignal.timeout(700), headers: { connection: "close" } }).then(
          (answer) => answer.ok,
          () => false,
        ),
      );
      refused += (await Promise.all(strangers)).filter((served) => !served).length;
      await pause(run.random.between(100, 300));
      limit(server, 4096);
      expect((await server.rest(null).get("/readyz")).status, "with descriptors again it is as before").toBe(200);
    })();
    await run.callUntil(over);
    expect(alone).toBeLessThan(100);
    expect(await run.check(), `round ${round}`).toEqual([]);
  }
  await run.start();
  const { server } = run;
  limit(server, nOpen(server));
  const strangers = Array.from({ length: 4 }, () => fetch(`${server.url}/healthz`).catch(() => undefined));
  const before = await usedMs(server);
  await pause(1000);
  expect((await usedMs(server)) - before, "it does not spin while somebody waits").toBeLessThan(500);
  limit(server, 4096);
  await Promise.all(strangers);
  await run.settle();
  expect(run.broken).toEqual([]);
  note(`no file descriptors left: ${refused} of ${8 * rounds} newcomers not served in time, ${run.summary()}`);
  expect(refused, "the control: there were none left").toBeGreaterThan(0);
});

/** A clock that the test sets while the server runs. */
class Clock {
  private readonly file: number;
  constructor(readonly path: string) {
    this.file = openSync(path, "w+");
    ftruncateSync(this.file, 8);
    closeLater(() => closeSync(this.file));
  }
  jump(minutes: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(minutes) * 60_000n);
    writeSync(this.file, bytes, 0, 8, 0);
  }
}

it("a clock that jumps while everybody calls: nothing is lost, nothing goes back in time", {
  timeout: 600_000,
}, async () => {
  const clock = new Clock(join(await folder(), "clock"));
  const run = await Campaign.begin({ seed, size, env: shim({ FAULT_CLOCK: clock.path }) });
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await run.start();
    const over = (async () => {
      for (let n = 0; n < 4; n++) {
        await pause(run.random.between(50, 150));
        clock.jump(run.random.between(-20, 20));
      }
    })();
    await run.callUntil(over);
    expect(await run.check(), `round ${round}`).toEqual([]);
  }
  clock.jump(0); // so that tokens made now are good
  await run.settle();
  expect(run.broken).toEqual([]);
  note(`a clock that jumps by up to 20 minutes, ${4 * rounds} times: ${run.summary()}`);
});

it.each([20, -20])(
  "a clock that jumps %i minutes ends no ring and prolongs none, also over a restart",
  {
    timeout: 40_000,
  },
  async (minutes) => {
    const clock = new Clock(join(await folder(), "clock"));
    const server = await startServer({ env: shim({ FAULT_CLOCK: clock.path }) });
    await server.channel("room", ["alice", "bob", "carol", "dora"]);
    // Tokens from before: those of the future are refused.
    const claims = { iat: Math.floor(Date.now() / 1000) - 3600 };
    const ring = async (user: string, callee: string) => {
      const body = { channelId: "room", callType: "audio", participants: [callee], ringTimeout: 5000 };
      return (await server.rest({ user, claims }).post("/api/calls", body)).body.call;
    };
    const host = () => server.rest({ user: "host", scope: "server", claims });
    const status = async (id: string) => (await host().get(`/api/calls/${id}`)).body.call.status;
    const call = await ring("alice", "bob");
    clock.jump(minutes);
    await pause(2500);
    expect(await status(call.id)).toBe("ringing");
    await pause(4000);
    expect(await status(call.id)).toBe("missed");

    const other = await ring("carol", "dora");
    await server.kill();
    clock.jump(0); // back to where it was: the other way
    await server.restart();
    await pause(6500);
    expect(await status(other.id), "a restart in another time").toBe("missed");
    const late = Date.parse((await ring("alice", "bob")).startedAt) - Date.now();
    expect(Math.abs(late), "a new process believes the clock").toBeLessThan(10_000);
  },
);
