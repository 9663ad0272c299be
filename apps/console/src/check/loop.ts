/** A loop through the relay: two connections on this page that reach each other only over it, and packets between them. */

export type Transport = "udp" | "tcp" | "tls";

export interface LoopResult {
  sent: number;
  lost: number;
  /** Milliseconds there and back, through the relay twice each way. */
  median: number;
  worst: number;
  connectMs: number;
}

const PACKETS = 100;
const EVERY_MS = 20;
const CONNECT_MS = 10_000;

/** Only the servers that speak this transport. */
export function serversOf(servers: RTCIceServer[], transport: Transport): RTCIceServer[] {
  const matches = (url: string) =>
    transport === "tls"
      ? url.startsWith("turns:")
      : url.startsWith("turn:") && new RegExp(`transport=${transport}`).test(url);
  return servers.flatMap((server) => {
    const urls = [server.urls].flat().filter(matches);
    return urls.length > 0 ? [{ ...server, urls }] : [];
  });
}

async function connect(a: RTCPeerConnection, b: RTCPeerConnection): Promise<void> {
  a.onicecandidate = ({ candidate }) => candidate && void b.addIceCandidate(candidate);
  b.onicecandidate = ({ candidate }) => candidate && void a.addIceCandidate(candidate);
  await a.setLocalDescription();
  if (a.localDescription) await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription();
  if (b.localDescription) await a.setRemoteDescription(b.localDescription);
}

const opened = (channel: RTCDataChannel) =>
  new Promise<void>((done, fail) => {
    channel.onopen = () => done();
    setTimeout(() => fail(new Error("no way through within 10 s")), CONNECT_MS);
  });

/** Packets that are never sent again, so that what is lost is lost. */
async function measure(channel: RTCDataChannel): Promise<number[]> {
  const times: number[] = [];
  const sentAt = new Map<number, number>();
  channel.onmessage = ({ data }) => {
    const at = sentAt.get(Number(String(data).trim()));
    if (at !== undefined) times.push(performance.now() - at);
  };
  for (let i = 0; i < PACKETS; i++) {
    sentAt.set(i, performance.now());
    channel.send(String(i).padEnd(160)); // about what a packet of speech has
    await new Promise((done) => setTimeout(done, EVERY_MS));
  }
  await new Promise((done) => setTimeout(done, 1000));
  return times.sort((x, y) => x - y);
}

export async function relayLoop(iceServers: RTCIceServer[]): Promise<LoopResult> {
  const config: RTCConfiguration = { iceServers, iceTransportPolicy: "relay" };
  const [a, b] = [new RTCPeerConnection(config), new RTCPeerConnection(config)];
  try {
    const channel = a.createDataChannel("loop", { ordered: false, maxRetransmits: 0 });
    b.ondatachannel = ({ channel: far }) => {
      far.onmessage = ({ data }) => far.readyState === "open" && far.send(data);
    };
    const from = performance.now();
    await Promise.all([connect(a, b), opened(channel)]);
    const connectMs = performance.now() - from;
    const times = await measure(channel);
    if (times.length === 0) throw new Error("connected, but nothing came back");
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
    return { sent: PACKETS, lost: PACKETS - times.length, median: at(0.5), worst: at(0.99), connectMs };
  } finally {
    a.close();
    b.close();
  }
}

/** The kinds of addresses that the network gives this device; none of them is kept. */
export async function gather(iceServers: RTCIceServer[]): Promise<Set<string>> {
  const pc = new RTCPeerConnection({ iceServers });
  const kinds = new Set<string>();
  try {
    pc.createDataChannel("gather");
    const done = new Promise<void>((resolve) => {
      pc.onicecandidate = ({ candidate }) => {
        if (!candidate) return resolve();
        if (candidate.type) kinds.add(candidate.type);
      };
      setTimeout(resolve, 6000);
    });
    await pc.setLocalDescription();
    await done;
    return kinds;
  } finally {
    pc.close();
  }
}
