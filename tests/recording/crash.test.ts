// Whatever happens to the server or its disk: what was acknowledged is there afterwards.
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Random } from "../ledger/random.js";
import { closeLater, Rest } from "../lib/index.js";
import {
  createUpload,
  download,
  liveWebm,
  makeScene,
  note,
  patch,
  probe,
  recorderToken,
  sha256,
  tus,
  whenReady,
} from "./lib/setup.js";

const nKills = Number(process.env.BELLWIRE_KILLS ?? 12);
const seed = Number(process.env.BELLWIRE_SEED ?? 42);
const slow = { timeout: 60_000 };
const isRoot = process.getuid?.() === 0;

describe("kill -9", () => {
  it(`${nKills} times amid uploads loses nothing that was acknowledged`, {
    timeout: 20_000 + nKills * 4000,
  }, async () => {
    const { server, callId } = await makeScene(["--recording-max-uploads-per-user", "1000"]);
    const bytes = liveWebm(8);
    const alice = () => new Rest(server.url, recorderToken("alice"));
    let path = (await createUpload(alice(), callId, bytes.length)).headers.get("location") as string;
    let offset = 0;
    const ids: string[] = [];
    const random = new Random(seed);
    let acknowledged = 0;
    for (let kill = 0; kill < nKills; kill++) {
      const busy = (async () => {
        while (offset < bytes.length) {
          const answer = await patch(alice(), path, offset, bytes.subarray(offset, offset + 3000));
          if (answer.status !== 204) break;
          offset = answer.offset;
          acknowledged++;
        }
      })().catch(() => {});
      const heard = acknowledged;
      await expect.poll(() => acknowledged, { interval: 2, timeout: 10_000 }).toBeGreaterThan(heard);
      await new Promise((resolve) => setTimeout(resolve, random.between(0, 60)));
      await server.kill();
      await busy;
      await server.start();
      const head = await tus(alice(), "HEAD", path);
      expect(head.status).toBe(200);
      expect(head.offset).toBeGreaterThanOrEqual(offset);
      offset = head.offset;
      if (offset === bytes.length) {
        ids.push(path.split("/").at(-1) as string);
        path = (await createUpload(alice(), callId, bytes.length)).headers.get("location") as string;
        offset = 0;
      }
    }
    await patch(alice(), path, offset, bytes.subarray(offset));
    ids.push(path.split("/").at(-1) as string);
    for (const id of ids) expect((await whenReady(alice(), callId, id)).uploadSha256).toBe(sha256(bytes));
    const { body } = await alice().get(`/api/calls/${callId}/timeline?limit=100`);
    const told = body.events.filter((event: { type: string }) => event.type === "recording.ready");
    note(
      `kill -9 × ${nKills} amid uploads, seed ${seed}: ${acknowledged} chunks acknowledged, ${ids.length} recordings`,
    );
    expect(told.map((event: { data: { recordingId: string } }) => event.data.recordingId).sort()).toEqual(ids.sort());
    expect((await probe((await download(alice(), ids[0] as string)).bytes)).duration).toBeCloseTo(8, 0);
  });
});

describe("an upload that is whole", () => {
  it("becomes a recording though the server was killed before it could tell so", async () => {
    const { server, alice, callId } = await makeScene();
    const bytes = liveWebm(1);
    const path = (await createUpload(alice, callId, bytes.length)).headers.get("location") as string;
    const id = path.split("/").at(-1) as string;
    await patch(alice, path, 0, bytes.subarray(0, 3000));
    await server.kill();
    appendFileSync(join(server.data, "recordings/uploads", `${id}.part`), bytes.subarray(3000));
    await server.start();
    const again = new Rest(server.url, recorderToken("alice"));
    expect((await whenReady(again, callId, id, 5000)).uploadSha256).toBe(sha256(bytes));
  });

  it("becomes the same recording whether it was looked at while it came in or, after a kill, in the end", async () => {
    const { server, alice, callId } = await makeScene();
    const second = liveWebm(1);
    const clusters = second.subarray(second.indexOf(Buffer.from("1f43b675", "hex")));
    const bytes = Buffer.concat([second, ...Array<Buffer>(Math.ceil(20_000_000 / clusters.length)).fill(clusters)]);
    const upload = async (kills: boolean) => {
      const path = (await createUpload(alice, callId, bytes.length)).headers.get("location") as string;
      let rest = alice;
      for (let at = 0; at < bytes.length; at += 7_000_000) {
        if (kills && at) {
          await server.kill();
          await server.start();
          rest = new Rest(server.url, recorderToken("alice"));
        }
        const piece = bytes.subarray(at, at + 7_000_000);
        expect(await patch(rest, path, at, piece)).toMatchObject({ status: 204, offset: at + piece.length });
      }
      const done = await whenReady(rest, callId, path.split("/").at(-1) as string);
      expect(done.uploadSha256).toBe(sha256(bytes));
      expect(done.sha256).toBe(sha256((await download(rest, done.id)).bytes));
      return done;
    };
    const [asItCame, inTheEnd] = [await upload(false), await upload(true)];
    expect(inTheEnd.sha256).toBe(asItCame.sha256);
    expect(inTheEnd.durationMs).toBe(asItCame.durationMs);
  }, 60_000);

  it("is tried again soon when it could not be completed", async () => {
    const { server, alice, callId } = await makeScene();
    const bytes = liveWebm(1);
    const path = (await createUpload(alice, callId, bytes.length)).headers.get("location") as string;
    const id = path.split("/").at(-1) as string;
    const inTheWay = join(server.data, "recordings/media", id);
    mkdirSync(join(inTheWay, "something"), { recursive: true });
    await patch(alice, path, 0, bytes);
    await expect(whenReady(alice, callId, id, 500)).rejects.toThrow("never became ready");
    rmSync(inTheWay, { recursive: true });
    expect((await whenReady(alice, callId, id, 3000)).uploadSha256).toBe(sha256(bytes));
  });
});

describe.runIf(isRoot)("a disk that fills", () => {
  for (const [floor, how] of [
    ["1000000", "down to the floor"],
    ["1", "to the last byte"],
  ] as const)
    it(`${how}: 507 while calls go on, and the upload goes on when there is room again`, slow, async () => {
      const disk = mkdtempSync(join(tmpdir(), "bellwire-disk-"));
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]);
      closeLater(async () => {
        execFileSync("umount", ["-l", disk]);
        rmSync(disk, { recursive: true });
      });
      const place = ["--recording-dir", join(disk, "r"), "--recording-min-free", floor];
      const { server, alice, bob, callId } = await makeScene(place);
      const bytes = Buffer.concat([liveWebm(2), Buffer.alloc(5 << 20)]);
      const path = (await createUpload(alice, callId, bytes.length)).headers.get("location") as string;
      const refused = await patch(alice, path, 0, bytes).catch(() => ({ status: 507 }));
      expect(refused.status).toBe(507);
      const acknowledged = (await tus(alice, "HEAD", path)).offset;
      expect(acknowledged).toBeGreaterThan(1 << 20);
      expect((await createUpload(alice, callId, 10)).status).toBe(507);
      expect((await bob.get(`/api/calls/${callId}`)).body.call.status).toBe("active");
      expect((await bob.post(`/api/calls/${callId}/leave`, {})).status).toBe(200);
      await server.kill();
      await server.start();
      const again = new Rest(server.url, recorderToken("alice"));
      const { offset } = await tus(again, "HEAD", path); // perhaps with what the disk took of a piece
      expect(offset).toBeGreaterThanOrEqual(acknowledged);
      execFileSync("mount", ["-o", "remount,size=16m", disk]);
      expect((await patch(again, path, offset, bytes.subarray(offset))).status).toBe(204);
      const ready = await whenReady(again, callId, path.split("/").at(-1) as string);
      expect(ready.uploadSha256).toBe(sha256(bytes));
    });
});

describe("what is left over", () => {
  it("is swept: files without a row, and halves that were never acknowledged", async () => {
    const { server, alice, callId } = await makeScene();
    const bytes = liveWebm(1);
    const path = (await createUpload(alice, callId, bytes.length)).headers.get("location") as string;
    await patch(alice, path, 0, bytes);
    const { id } = await whenReady(alice, callId, path.split("/").at(-1) as string);
    await server.kill();
    const media = join(server.data, "recordings/media");
    writeFileSync(join(media, "018f0000-0000-7000-8000-000000000001"), "orphan");
    writeFileSync(join(server.data, "recordings/uploads/018f0000-0000-7000-8000-000000000002.part"), "half");
    writeFileSync(join(server.data, "recordings/uploads/018f0000-0000-7000-8000-000000000003.json"), "{broken");
    await server.start();
    await expect.poll(() => readdirSync(media)).toEqual([id]);
    expect(readdirSync(join(server.data, "recordings/uploads"))).not.toContain(
      "018f0000-0000-7000-8000-000000000002.part",
    );
    expect((await download(new Rest(server.url, recorderToken("alice")), id)).status).toBe(200);
  });
});
