/** What the page of checks looks at, one after another; each says what it found, or how to mend it. */
import { ask } from "../api.js";
import { gather, relayLoop, serversOf, type Transport } from "./loop.js";

export type Outcome = "good" | "warn" | "bad";

export interface Finding {
  outcome: Outcome;
  text: string;
}

export interface Step {
  name: string;
  run(context: Context): Promise<Finding>;
}

/** What steps leave for those after them, and for the page to show. */
export interface Context {
  token: string | null;
  iceServers: RTCIceServer[] | null;
  onStream(stream: MediaStream): void;
}

const good = (text: string): Finding => ({ outcome: "good", text });
const warn = (text: string): Finding => ({ outcome: "warn", text });
const bad = (text: string): Finding => ({ outcome: "bad", text });

const DEVICE_ERRORS: Record<string, string> = {
  NotAllowedError: "The browser was not allowed to use it: click the symbol beside the address, and allow it.",
  NotFoundError: "There is none on this device: plug one in.",
  NotReadableError: "Another program uses it: close that program.",
};

async function browser(): Promise<Finding> {
  if (!isSecureContext)
    return bad("This page is not secure: open it by https, else browsers give neither camera nor microphone.");
  if (!("RTCPeerConnection" in window))
    return bad("This browser cannot make calls: take a current Chrome, Edge, Firefox or Safari.");
  return good("Secure page, calls are possible.");
}

async function open(constraints: MediaStreamConstraints, context: Context): Promise<MediaStream | Finding> {
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    context.onStream(stream);
    return stream;
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    return bad(DEVICE_ERRORS[name] ?? `It could not be opened (${name}).`);
  }
}

async function camera(context: Context): Promise<Finding> {
  const stream = await open({ video: true }, context);
  if (!(stream instanceof MediaStream)) return stream;
  const { width, height, frameRate } = stream.getVideoTracks()[0]?.getSettings() ?? {};
  return good(`${width} × ${height}, ${Math.round(frameRate ?? 0)} pictures a second.`);
}

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** The loudest of two seconds, of full scale; null where the browser runs no sound, as without any speaker. */
async function loudest(stream: MediaStream): Promise<number | null> {
  const audio = new AudioContext();
  const analyser = audio.createAnalyser();
  audio.createMediaStreamSource(stream).connect(analyser);
  await Promise.race([audio.resume(), pause(2000)]);
  if (audio.state !== "running") {
    void audio.close();
    return null;
  }
  const samples = new Float32Array(analyser.fftSize);
  let most = 0;
  for (let i = 0; i < 40; i++) {
    analyser.getFloatTimeDomainData(samples);
    most = samples.reduce((peak, value) => Math.max(peak, Math.abs(value)), most);
    await pause(50);
  }
  void audio.close();
  return most;
}

async function microphone(context: Context): Promise<Finding> {
  const stream = await open({ audio: true }, context);
  if (!(stream instanceof MediaStream)) return stream;
  const level = await loudest(stream);
  if (level === null)
    return warn("It is open; how loud it is cannot be told, since this browser runs no sound: plug in a speaker.");
  if (level < 0.003) return warn("It is open, but silent: speak while it is checked, or unmute it.");
  return good(`It hears something: at most ${Math.min(100, Math.round(100 * level))} % of full scale.`);
}

async function server(): Promise<Finding> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const from = performance.now();
    const answer = await fetch("/healthz", { cache: "no-store" }).catch(() => null);
    if (!answer?.ok) return bad("The server does not answer: is this device online?");
    times.push(performance.now() - from);
  }
  const typical = times.sort((a, b) => a - b)[2] ?? 0;
  return typical > 400
    ? warn(`It answers after ${Math.round(typical)} ms, which is late.`)
    : good(`It answers after ${Math.round(typical)} ms.`);
}

/** Engine.IO's own handshake: whatever stands between may pass HTTP and still refuse WebSockets. */
async function websocket(): Promise<Finding> {
  const { socketPath } = await (await fetch("/api/server")).json();
  return await new Promise((done) => {
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${socketPath}?EIO=4&transport=websocket`);
    const end = (finding: Finding) => {
      socket.close();
      done(finding);
    };
    socket.onmessage = () => end(good("WebSockets pass."));
    socket.onerror = () =>
      end(bad("Something between here and the server refuses WebSockets: a proxy or a firewall. Ask who runs it."));
    setTimeout(() => end(bad("A WebSocket was not answered within 5 s.")), 5000);
  });
}

async function network(context: Context): Promise<Finding> {
  if (!context.token) return warn("Not checked: this needs a token (add #token=… to the address).");
  context.iceServers = await ask<RTCIceServer[]>(context.token, "/api/webrtc/ice-servers");
  const kinds = await gather(context.iceServers);
  if (kinds.size === 0) return bad("The browser found no address at all: a VPN or an extension may forbid it.");
  if (!kinds.has("srflx") && !kinds.has("relay"))
    return warn("No answer over UDP from the server: calls will need the relay over TCP or TLS.");
  return good(kinds.has("srflx") ? "Behind a NAT that UDP passes." : "UDP reaches the server.");
}

const relay =
  (transport: Transport) =>
  async (context: Context): Promise<Finding> => {
    const servers = serversOf(context.iceServers ?? [], transport);
    if (servers.length === 0) return warn("The server offers none.");
    try {
      const { lost, sent, median, worst, connectMs } = await relayLoop(servers);
      const text = `Connected in ${Math.round(connectMs)} ms; of ${sent} packets ${lost} were lost; there and back ${Math.round(median)} ms, at worst ${Math.round(worst)} ms.`;
      return lost / sent > 0.03 || median > 400 ? warn(text) : good(text);
    } catch (error) {
      return bad(
        `It cannot be used (${error instanceof Error ? error.message : error}): a firewall may close this way.`,
      );
    }
  };

export const STEPS: readonly Step[] = [
  { name: "Browser", run: browser },
  { name: "Camera", run: camera },
  { name: "Microphone", run: microphone },
  { name: "Server", run: server },
  { name: "WebSocket", run: websocket },
  { name: "Network", run: network },
  { name: "Relay over UDP", run: relay("udp") },
  { name: "Relay over TCP", run: relay("tcp") },
  { name: "Relay over TLS", run: relay("tls") },
];

/** In one sentence. One way through the relay is enough for a call. */
export function verdictOf(findings: ReadonlyMap<string, Finding>): Finding {
  const is = (name: string, outcome: Outcome) => findings.get(name)?.outcome === outcome;
  const ways = ["Network", "Relay over UDP", "Relay over TCP", "Relay over TLS"];
  if (["Browser", "Server", "WebSocket"].some((name) => is(name, "bad"))) return bad("Calls will not work here.");
  if (ways.every((name) => !is(name, "good")) && findings.size > 5)
    return warn("Calls may find no way: no relay could be reached.");
  if (is("Camera", "bad") && is("Microphone", "bad")) return bad("Neither camera nor microphone can be used.");
  if (is("Camera", "bad") || is("Microphone", "bad"))
    return warn("Calls will work, but not with camera and microphone both.");
  const troubles = [...findings.values()].some(({ outcome }) => outcome !== "good");
  return troubles
    ? warn("Calls will work; some things could be better.")
    : good("Everything is fine: calls will work well here.");
}
