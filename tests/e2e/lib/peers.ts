// What a page's RTCPeerConnections and devices do, seen from outside: each one made is kept in a list that tests ask.
import type { Frame } from "playwright-core";

interface Watched {
  peers: RTCPeerConnection[];
  tracks: MediaStreamTrack[];
}

/** Runs in the page before anything else; must not refer to anything outside itself. */
export function watchPeers({ relayOnly, smallVideo }: { relayOnly: boolean; smallVideo: boolean }): void {
  const Original = window.RTCPeerConnection;
  const peers: RTCPeerConnection[] = [];
  const tracks: MediaStreamTrack[] = [];
  (window as unknown as { bellwireTest: Watched }).bellwireTest = { peers, tracks };
  // Absent where the page is no secure context.
  const devices = navigator.mediaDevices;
  const getUserMedia = devices?.getUserMedia.bind(devices);
  if (getUserMedia)
    devices.getUserMedia = async (wanted) => {
      const given = typeof wanted?.video === "object" ? wanted.video : {};
      const small = { ...given, width: 320, height: 240, frameRate: 15 };
      const video = typeof wanted?.video === "object" ? { ...wanted.video, ...small } : small;
      const media = await getUserMedia(smallVideo && wanted?.video ? { ...wanted, video } : wanted);
      tracks.push(...media.getTracks());
      return media;
    };
  window.RTCPeerConnection = class extends Original {
    constructor(configuration: RTCConfiguration = {}) {
      super(relayOnly ? { ...configuration, iceTransportPolicy: "relay" } : configuration);
      peers.push(this);
    }
  };
}

/** Runs in the page before anything else: a screen, which nobody could choose in a test, is a painted canvas. */
export function paintScreen(): void {
  const devices = navigator.mediaDevices;
  if (!devices) return; // the empty page before the first
  devices.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const ink = canvas.getContext("2d");
    setInterval(() => {
      if (!ink) return;
      ink.fillStyle = `hsl(${(Date.now() / 20) % 360} 40% 80%)`;
      ink.fillRect(0, 0, 320, 180);
    }, 100);
    return canvas.captureStream(10);
  };
}

export interface MediaState {
  framesDecoded: number;
  framesSent: number;
  audioPackets: number;
  /** Rises with the loudness of what arrives; silence adds nothing. */
  audioEnergy: number;
  /** "host", "srflx", "prflx" or "relay" of the pairs in use, own side. */
  localTypes: string[];
  /** Connections that are not closed. */
  open: number;
  /** Tracks of camera and microphone that are not stopped. */
  liveTracks: number;
  /** All that were ever opened. */
  tracks: number;
}

/** A page or a frame, of Playwright or of Puppeteer. */
export interface Place {
  evaluate(ask: () => Promise<MediaState>): Promise<MediaState>;
  frames?(): Place[];
}

/** Sums over all connections of one frame. */
async function stateOf(frame: Place): Promise<MediaState> {
  return frame.evaluate(async () => {
    const { peers, tracks } = (window as unknown as { bellwireTest?: Watched }).bellwireTest ?? {
      peers: [],
      tracks: [],
    };
    const liveTracks = tracks.filter((track) => track.readyState === "live").length;
    const sum: MediaState = {
      ...{ framesDecoded: 0, framesSent: 0, audioPackets: 0, audioEnergy: 0 },
      ...{ localTypes: [], open: 0, liveTracks, tracks: tracks.length },
    };
    for (const peer of peers) {
      if (peer.connectionState === "closed") continue;
      // Firefox never answers for a connection that is closed meanwhile.
      const nothing = new Promise<RTCStatsReport>((done) => setTimeout(done, 1000, new Map()));
      const stats = await Promise.race([peer.getStats(), nothing]);
      if ((peer.connectionState as RTCPeerConnectionState) === "closed") continue;
      sum.open += 1;
      for (const entry of stats.values()) {
        if (entry.type === "inbound-rtp" && entry.kind === "video") sum.framesDecoded += entry.framesDecoded ?? 0;
        if (entry.type === "inbound-rtp" && entry.kind === "audio") {
          sum.audioPackets += entry.packetsReceived ?? 0;
          sum.audioEnergy += entry.totalAudioEnergy ?? 0;
        }
        if (entry.type === "outbound-rtp" && entry.kind === "video") sum.framesSent += entry.framesSent ?? 0;
        if (entry.type === "transport" && entry.selectedCandidatePairId) {
          const pair = stats.get(entry.selectedCandidatePairId);
          const local = pair && stats.get(pair.localCandidateId);
          if (local) sum.localTypes.push(local.candidateType);
        }
      }
    }
    return sum;
  });
}

/** What the connections of a page, or of one frame of it, do. */
export async function mediaState(place: Place): Promise<MediaState> {
  const frames = place.frames?.() ?? [place];
  const states = await Promise.all(frames.map(stateOf));
  return states.reduce((all, one) => ({
    framesDecoded: all.framesDecoded + one.framesDecoded,
    framesSent: all.framesSent + one.framesSent,
    audioPackets: all.audioPackets + one.audioPackets,
    audioEnergy: all.audioEnergy + one.audioEnergy,
    localTypes: [...all.localTypes, ...one.localTypes],
    open: all.open + one.open,
    liveTracks: all.liveTracks + one.liveTracks,
    tracks: all.tracks + one.tracks,
  }));
}

/** Asks again and again until the condition holds; resolves with the state and the milliseconds that it took. */
export async function untilMedia(
  place: Place,
  condition: (state: MediaState) => boolean,
  timeoutMs = 15_000,
): Promise<{ state: MediaState; ms: number }> {
  const from = performance.now();
  for (;;) {
    const state = await mediaState(place);
    const ms = performance.now() - from;
    if (condition(state)) return { state, ms };
    if (ms > timeoutMs) throw new Error(`not within ${timeoutMs} ms; at the end: ${JSON.stringify(state)}`);
    await new Promise((done) => setTimeout(done, 15));
  }
}

/** Frames decoded on top of those that a page had already: proof that video runs now. */
export async function moreFrames(place: Place, frames = 10): Promise<void> {
  const { framesDecoded } = await mediaState(place);
  await untilMedia(place, (state) => state.framesDecoded >= framesDecoded + frames);
}

/** From the next click in a frame to its first decoded frame of video, in milliseconds. Call it before the click. */
export function clickToFirstFrame(frame: Frame, timeoutMs = 20_000): Promise<number> {
  return frame.evaluate(async (timeoutMs) => {
    const { peers } = (window as unknown as { bellwireTest: Watched }).bellwireTest;
    const clickedAt = await new Promise<number>((done) => {
      document.addEventListener("click", () => done(performance.now()), { capture: true, once: true });
    });
    while (performance.now() - clickedAt < timeoutMs) {
      for (const peer of peers)
        for (const entry of (await peer.getStats()).values())
          if (entry.type === "inbound-rtp" && entry.kind === "video" && entry.framesDecoded > 0)
            return performance.now() - clickedAt;
      await new Promise((done) => setTimeout(done, 5));
    }
    throw new Error(`no frame within ${timeoutMs} ms after the click`);
  }, timeoutMs);
}
