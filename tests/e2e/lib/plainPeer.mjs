// A device in a call without bellwire's SDK: socket.io-client, a WebRTC library, and what protocol/README.md says.
//
//   node plainPeer.mjs wrtc|werift|data URL TOKEN [CALLEE]
//
// With a CALLEE it calls, else it waits to be called. It tells what happens as lines on its output: "online", "ringing",
// "connected", "media audio 50 video 20" (what has arrived so far), "message …", "ended …". A line on its input hangs up.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [, , library, url, token, callee] = process.argv;
const tell = (line) => process.stdout.write(`${line}\n`);
const received = { audio: 0, video: 0 };

/** What each library needs to send and to count; the signaling below knows none of them. */
const LIBRARIES = {
  async wrtc() {
    const { default: wrtc } = await import("@roamhq/wrtc");
    const { RTCAudioSource, RTCVideoSource, RTCAudioSink, RTCVideoSink } = wrtc.nonstandard;
    const [sound, picture] = [new RTCAudioSource(), new RTCVideoSource()];
    const [width, height] = [160, 120];
    const frame = new Uint8ClampedArray(width * height * 1.5);
    let count = 0;
    setInterval(() => {
      frame.fill(++count % 256);
      picture.onFrame({ width, height, data: frame });
    }, 66);
    const samples = new Int16Array(480);
    setInterval(() => {
      sound.onData({ samples, sampleRate: 48000, bitsPerSample: 16, channelCount: 1, numberOfFrames: 480 });
    }, 10);
    const tracks = [sound.createTrack(), picture.createTrack()];
    return {
      connect: (iceServers) => new wrtc.RTCPeerConnection({ iceServers }),
      begin: (pc) => {
        for (const track of tracks) pc.addTrack(track);
      },
      answer: (pc) => {
        for (const { sender, receiver } of pc.getTransceivers())
          sender.replaceTrack(tracks.find((track) => track.kind === receiver.track.kind) ?? null);
        for (const transceiver of pc.getTransceivers()) transceiver.direction = "sendrecv";
      },
      listen: (pc) => {
        pc.ontrack = ({ track }) => {
          if (track.kind === "audio") new RTCAudioSink(track).ondata = () => received.audio++;
          else new RTCVideoSink(track).onframe = () => received.video++;
        };
      },
    };
  },

  /** Sends back what it gets: packets go through it unopened. */
  async werift() {
    const { MediaStreamTrack, RTCPeerConnection } = await import("werift");
    const echoes = { audio: new MediaStreamTrack({ kind: "audio" }), video: new MediaStreamTrack({ kind: "video" }) };
    return {
      connect: (iceServers) => new RTCPeerConnection({ iceServers }),
      begin: (pc) => {
        for (const kind of ["audio", "video"]) pc.addTransceiver(echoes[kind], { direction: "sendrecv" });
      },
      answer: (pc) => {
        for (const transceiver of pc.getTransceivers()) {
          transceiver.sender.replaceTrack(echoes[transceiver.kind]);
          transceiver.setDirection("sendrecv");
        }
      },
      listen: (pc) => {
        pc.onRemoteTransceiverAdded.subscribe((transceiver) => follow(transceiver));
        pc.onTransceiverAdded.subscribe((transceiver) => follow(transceiver));
        const followed = new Set();
        const follow = (transceiver) => {
          if (followed.has(transceiver)) return;
          followed.add(transceiver);
          const { kind } = transceiver;
          transceiver.onTrack.subscribe((track) => {
            track.onReceiveRtp.subscribe((packet) => {
              received[kind]++;
              echoes[kind].writeRtp(packet);
            });
            // Whoever sees the echo needs a whole picture to begin with; only its source can make one.
            if (kind === "video")
              setInterval(() => track.ssrc && transceiver.receiver.sendRtcpPLI(track.ssrc).catch(() => {}), 1000);
          });
        };
      },
    };
  },

  /** No media, a channel for data: SDP is opaque to the server. */
  async data() {
    const { default: wrtc } = await import("@roamhq/wrtc");
    const greet = (channel) => {
      channel.onopen = () => channel.send(`hello from ${socket.id}`);
      channel.onmessage = ({ data }) => tell(`message ${data}`);
    };
    return {
      connect: (iceServers) => new wrtc.RTCPeerConnection({ iceServers }),
      begin: (pc) => greet(pc.createDataChannel("chat")),
      answer: () => {},
      listen: (pc) => {
        pc.ondatachannel = ({ channel }) => greet(channel);
      },
    };
  },
};

const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };

async function rest(method, path, body) {
  const response = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

const rtc = await LIBRARIES[library]();
const iceServers = (await rest("GET", "/api/webrtc/ice-servers")).map(({ ttl: _, ...server }) => server);
const socket = io(`${url}/webrtc`, { auth: { token } });
const peers = new Map();
let callId = null;

function peerOf(leg) {
  const known = peers.get(leg);
  if (known) return known;
  const pc = rtc.connect(iceServers);
  pc.onicecandidate = ({ candidate }) =>
    socket.emit("call.ice-candidate", { to: leg, candidate: candidate?.toJSON?.() ?? candidate ?? null });
  pc.onconnectionstatechange = () => {
    tell(pc.connectionState);
    if (pc.connectionState === "connected")
      socket.emit("call.connection", { callId, state: "connected", socketId: leg });
  };
  rtc.listen(pc);
  const peer = { pc, waiting: [] };
  peers.set(leg, peer);
  return peer;
}

const plain = ({ type, sdp }) => ({ type, sdp });

/** Candidates may overtake the description that they belong to. */
async function described({ pc, waiting }) {
  for (const candidate of waiting.splice(0)) await pc.addIceCandidate(candidate).catch(() => {});
}

/** The newcomer offers to each leg that is there. */
async function join() {
  const answer = await socket.emitWithAck("call.join", { callId });
  if (!answer.ok) throw new Error(`call.join: ${answer.error.code}`);
  for (const { socketId } of answer.participants) {
    const { pc } = peerOf(socketId);
    rtc.begin(pc);
    await pc.setLocalDescription(await pc.createOffer());
    socket.emit("call.offer", { to: socketId, offer: plain(pc.localDescription) });
  }
}

socket.on("call.offer", async ({ from, offer, n }) => {
  const peer = peerOf(from);
  const isFirst = !peer.pc.remoteDescription;
  await peer.pc.setRemoteDescription(offer);
  if (isFirst) rtc.answer(peer.pc);
  await peer.pc.setLocalDescription(await peer.pc.createAnswer());
  socket.emit("call.answer", { to: from, answer: plain(peer.pc.localDescription), n });
  await described(peer);
});

socket.on("call.answer", async ({ from, answer }) => {
  const peer = peerOf(from);
  if (peer.pc.signalingState !== "have-local-offer") return;
  await peer.pc.setRemoteDescription(answer);
  await described(peer);
});

socket.on("call.ice-candidate", async ({ from, candidate }) => {
  const peer = peerOf(from);
  if (!candidate?.candidate) return;
  if (peer.pc.remoteDescription) await peer.pc.addIceCandidate(candidate).catch(() => {});
  else peer.waiting.push(candidate);
});

socket.on("call.incoming", async (call) => {
  callId = call.callId;
  socket.emit("call.ack", { callId });
  tell("ringing");
  await join();
});

socket.on("call.ended", ({ reason }) => {
  tell(`ended ${reason}`);
  process.exit(0);
});

socket.on("sync", async () => {
  tell("online");
  if (!callee || callId) return;
  const { call } = await rest("POST", "/api/calls", {
    channelId: "general",
    callType: "video",
    participants: [callee],
  });
  callId = call.id;
  await join();
});

createInterface({ input: process.stdin }).on("line", () => socket.emit("call.leave", { callId }));
setInterval(() => tell(`media audio ${received.audio} video ${received.video}`), 200);
