// An hour of a call of four people as it would be stored, among 100,000 others, without waiting for it: nine minutes are
// told through the server, as devices may after they were away, and put into its database again for the rest.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Server, Session } from "../../lib/index.js";

const PEOPLE = ["alice", "bob", "carol", "dave"];
const PART_S = 540;
const BATCH_S = 160;
const OTHERS = 100_000;

/** Six more parts, and the other calls; prints what the legs of ours take. */
const fill = `
import sqlite3, sys
path, call = sys.argv[1:]
db = sqlite3.connect(path)
for part in range(1, 7):
    db.execute("INSERT INTO quality_blocks (leg, start, data) SELECT b.leg, b.start - ? * ${PART_S}000, b.data"
               " FROM quality_blocks b JOIN quality_legs l ON l.id = b.leg WHERE l.call_id = ? AND b.start >= l.started_at", (part, call))
print(db.execute("SELECT sum(length(data)), sum(length(data) + 24), count(DISTINCT leg) FROM quality_blocks").fetchone())
names = [row[1] for row in db.execute("PRAGMA table_info(calls)")]
row = dict(zip(names, db.execute("SELECT * FROM calls WHERE id = ?", (call,)).fetchone()))
def others():
    for n in range(${OTHERS}):
        one = {**row, "id": "018f0000-0000-7000-8000-%012d" % n, "started_at": row["started_at"] - n * 25000, "status": 2}
        yield [one[name] for name in names]
db.executemany("INSERT INTO calls VALUES (%s)" % ",".join("?" * len(names)), others())
db.executemany("INSERT INTO quality_legs (call_id, leg_id, user_id, started_at) VALUES (?, ?, 'x', 0)",
               (("018f0000-0000-7000-8000-%012d" % n, "018f0000-0000-7000-9000-%012d" % n) for n in range(${OTHERS})))
db.commit()
`;

/** What a connection like many measures: most numbers move a little each time, a few stay, and now and then packets are
 *  lost. In the order of protocol's quality.def. */
function sampleAt(s: number): number[] {
  const wave = (i: number) => Math.round(4 * Math.sin(s / 7 + i) + 3 * Math.sin(s / 2.1 + 2 * i) + 2 * Math.sin(s * i));
  const lost = (i: number) => (Math.sin(s / 11 + i) > 0.8 ? 2 + Math.abs(wave(i)) : 0);
  const hears = [90 + (wave(1) > 6 ? 1 : 0), 94, 62 + wave(2), 36 + wave(3), lost(1), 6 + (wave(4) >> 2), lost(2)];
  const sees = [1400 + 20 * wave(5), lost(3), 9 + (wave(6) >> 2), wave(7) > 5 ? 29 : 30, 0, 720];
  const sends = [36 + wave(8), lost(4), 1400 + 20 * wave(9), lost(5), wave(10) > 5 ? 29 : 30, 720, 5 + (wave(11) >> 2)];
  return [(PART_S - s) * 1000, 1, ...hears, ...sees, ...sends, 2800 + 60 * wave(12), 0, 1, 3, 3, 48 + wave(13)];
}

async function tell(socket: Session, callId: string, others: string[]): Promise<void> {
  for (let from = 0; from < PART_S; from += BATCH_S) {
    const times = Array.from({ length: BATCH_S / 2 }, (_, k) => from + 2 * k).filter((s) => s < PART_S);
    const samples = times.map(sampleAt);
    await socket.ask("call.quality", { callId, peers: others.map((socketId) => ({ socketId, samples })) });
  }
}

export interface StoredHour {
  callId: string;
  /** Of each leg, with its three peers. */
  bytesPerLeg: number;
}

/** The server is stopped for it and started again. */
export async function storeHour(server: Server): Promise<StoredHour> {
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
  for (const [n, socket] of sockets.entries())
    await tell(
      socket,
      id,
      legs.filter((_, k) => k !== n),
    );
  await server.stop();
  const said = execFileSync("python3", ["-c", fill, join(server.data, "bellwire.db"), id], { encoding: "utf8" });
  const [, bytes = 0] = [...said.matchAll(/\d+/g)].map(Number);
  await server.start();
  return { callId: id, bytesPerLeg: Math.round(bytes / PEOPLE.length) };
}
