// The report of a long call among very many: how soon its first plot is there.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { type Session, startServer, token } from "../lib/index.js";
import { closeLater } from "../lib/lifetime.js";
import { launchChromium, makeNamespace, newPerson, note } from "./lib/index.js";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

const PEOPLE = ["alice", "bob", "carol", "dave"];
const PART_S = 540;

/** An hour from the nine minutes that may be told afterwards, and 100,000 other calls. */
const fill = `
import sqlite3, sys
path, call = sys.argv[1:]
db = sqlite3.connect(path)
for part in range(1, 7):
    db.execute("INSERT INTO quality_blocks (leg, start, data) SELECT b.leg, b.start - ? * ${PART_S}000, b.data"
               " FROM quality_blocks b JOIN quality_legs l ON l.id = b.leg WHERE l.call_id = ? AND b.start >= l.started_at", (part, call))
names = [row[1] for row in db.execute("PRAGMA table_info(calls)")]
row = dict(zip(names, db.execute("SELECT * FROM calls WHERE id = ?", (call,)).fetchone()))
def others():
    for n in range(100000):
        one = {**row, "id": "018f0000-0000-7000-8000-%012d" % n, "started_at": row["started_at"] - n * 25000, "status": 2}
        yield [one[name] for name in names]
db.executemany("INSERT INTO calls VALUES (%s)" % ",".join("?" * len(names)), others())
db.executemany("INSERT INTO quality_legs (call_id, leg_id, user_id, started_at) VALUES (?, ?, 'x', 0)",
               (("018f0000-0000-7000-8000-%012d" % n, "018f0000-0000-7000-9000-%012d" % n) for n in range(100000)))
db.commit()
print(db.execute("SELECT count(*), sum(length(data)) FROM quality_blocks").fetchone())
`;

it("an hour of four people, out of 100,000 stored calls", async () => {
  const namespace = makeNamespace();
  const data = await mkdtemp(join(tmpdir(), "bellwire-report-"));
  closeLater(() => rm(data, { recursive: true, force: true }));
  const listen = `${namespace.address}:0`;
  const server = await startServer({ wrapper: namespace.wrapper, listen, data });
  await server.channel("four", PEOPLE);
  const body = { channelId: "four", callType: "video", participants: PEOPLE.slice(1), mode: "group" };
  const { id } = (await server.rest("alice").post("/api/calls", body)).body.call;
  const sockets: Session[] = [];
  const legs: string[] = [];
  for (const who of PEOPLE) {
    const socket = await server.socket(who);
    sockets.push(socket);
    legs.push((await socket.ask("call.join", { callId: id })).self.socketId);
  }
  const wave = (s: number, i: number) => Math.round(10 * Math.sin(s / 7 + i) + 6 * Math.sin(s / 2.1 + 2 * i));
  const sample = (s: number) => [
    (PART_S - s) * 1000,
    ...Array.from({ length: 27 }, (_, i) => (i === 0 ? 1 : Math.max(0, 40 + i * 3 + wave(s, i)))),
  ];
  for (const [n, socket] of sockets.entries())
    for (let from = 0; from < PART_S; from += 160) {
      const times = Array.from({ length: 80 }, (_, k) => from + 2 * k).filter((s) => s < PART_S);
      const others = legs.filter((_, k) => k !== n);
      await socket.ask("call.quality", {
        callId: id,
        peers: others.map((socketId) => ({ socketId, samples: times.map(sample) })),
      });
    }
  await server.stop();
  note(execFileSync("python3", ["-c", fill, join(data, "bellwire.db"), id], { encoding: "utf8" }).trim());
  await server.start();

  const browser = await launchChromium(namespace, {
    args: [`--unsafely-treat-insecure-origin-as-secure=${server.url}`],
  });
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const page = await (await newPerson(browser, { viewport: { width: 1180, height: 1000 } })).newPage();
    await page.goto(`${server.url}/console/report?call=${id}#token=${token({ user: "alice" })}`);
    await page.getByRole("img", { name: /^Loss/ }).waitFor();
    times.push(await page.evaluate(() => performance.getEntriesByName("plot Round trip")[0]?.startTime ?? Number.NaN));
    await page.context().close();
  }
  const from = performance.now();
  const answer = await server.rest("alice").get(`/api/calls/${id}/quality`);
  const answered = performance.now() - from;
  const count = answer.body.legs.flatMap((leg: { peers: { t: number[] }[] }) => leg.peers.map((p) => p.t.length));
  note(
    `first plot after ${times.map((t) => Math.round(t)).join(", ")} ms; ${count.length} connections of ${count[0]} samples answered in ${Math.round(answered)} ms, checked`,
  );
  expect(count).toHaveLength(12);
  expect(Math.min(...times)).toBeLessThan(1500); // the goal is 500 on a machine with nothing else to do
});
