// Firefox with nothing but the relay: pictures and sound over UDP, TCP, and TLS on the port of HTTPS.
import { beforeAll, describe, expect, it, vi } from "vitest";
import { makeSignedCertificate } from "../lib/certificates.js";
import { startServer } from "../lib/index.js";
import { credentials, turnSecret } from "../turn/stun.js";
import {
  type FirefoxPage,
  launchFirefox,
  makeNamespace,
  mediaState,
  moreFrames,
  note,
  untilMedia,
} from "./lib/index.js";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let firefox: FirefoxPage;
let host: string;

beforeAll(async () => {
  const namespace = makeNamespace();
  namespace.addDeadEnd();
  host = namespace.address;
  const { args, authority } = makeSignedCertificate("calls.test", "file");
  await startServer({
    wrapper: namespace.wrapper,
    listen: `${host}:443`,
    args: ["--turn-listen", `${host}:3478`, ...args],
    env: { BELLWIRE_TURN_SECRET: turnSecret },
    lifetime: "file",
  });
  firefox = await launchFirefox(namespace, { authority: authority.certFile, everyName: host });
});

/** Two connections in the page, one sending a moving picture and a tone; resolves with how each reaches its relay. */
async function connectOver(servers: RTCIceServer[]): Promise<void> {
  await firefox.evaluate(async (iceServers) => {
    const configuration = { iceServers, iceTransportPolicy: "relay" as const };
    const [from, to] = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)];
    from.onicecandidate = ({ candidate }) => void to.addIceCandidate(candidate ?? undefined);
    to.onicecandidate = ({ candidate }) => void from.addIceCandidate(candidate ?? undefined);
    to.ontrack = ({ track }) => {
      const video = document.createElement("video");
      Object.assign(video, { muted: true, srcObject: new MediaStream([track]) });
      document.body.append(video);
      void video.play();
    };
    const canvas = document.createElement("canvas");
    const brush = canvas.getContext("2d");
    let turn = 0;
    setInterval(() => {
      turn += 7;
      if (brush) brush.fillStyle = `hsl(${turn % 360} 90% 50%)`;
      brush?.fillRect(0, 0, canvas.width, canvas.height);
    }, 50);
    const sound = new AudioContext();
    const tone = sound.createOscillator();
    const ear = sound.createMediaStreamDestination();
    tone.connect(ear);
    tone.start();
    for (const track of [...canvas.captureStream(20).getTracks(), ...ear.stream.getTracks()]) from.addTrack(track);
    await from.setLocalDescription();
    await to.setRemoteDescription(from.localDescription as RTCSessionDescription);
    await to.setLocalDescription();
    await from.setRemoteDescription(to.localDescription as RTCSessionDescription);
  }, servers);
}

describe("Firefox, forced to relay", () => {
  it.each([
    ["udp", () => `turn:${host}:3478?transport=udp`],
    ["tcp", () => `turn:${host}:3478?transport=tcp`],
    ["tls", () => "turns:calls.test:443?transport=tcp"],
  ])("sees and hears over %s", async (over, url) => {
    await firefox.goto("about:blank");
    const { username, password } = credentials("firefox");
    const from = performance.now();
    await connectOver([{ urls: url(), username, credential: password }]);
    await untilMedia(firefox, (state) => state.framesDecoded >= 10, 30_000);
    note(`Firefox, relayed over ${over}: ten decoded frames after ${Math.round(performance.now() - from)} ms`);
    await moreFrames(firefox);
    expect(new Set((await mediaState(firefox)).localTypes)).toEqual(new Set(["relay"]));
  });
});
