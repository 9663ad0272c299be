/** What is read, and mended, in session descriptions. */
import { expect, it } from "vitest";
import { keepRole } from "../src/peer/sdp.js";

const sdp = (setup: string) => ["v=0", `a=setup:${setup}`, "m=video", `a=setup:${setup}`, ""].join("\r\n");
const connection = (remote: string | null, local: string | null) =>
  ({
    currentRemoteDescription: remote && { sdp: sdp(remote) },
    currentLocalDescription: local && { sdp: sdp(local) },
  }) as unknown as RTCPeerConnection;
const kept = (remote: string | null, local: string | null) =>
  keepRole({ type: "answer", sdp: sdp("active") }, connection(remote, local)).sdp;

it("the other side keeps its part in the encryption, whatever a later answer says", () => {
  expect(kept("passive", "actpass")).toBe(sdp("passive"));
  expect(kept("active", "actpass")).toBe(sdp("active"));
  expect(kept("actpass", "active")).toBe(sdp("passive"));
  expect(kept("actpass", "passive")).toBe(sdp("active"));
});

it("its first answer is taken as it is", () => {
  expect(kept(null, null)).toBe(sdp("active"));
});
