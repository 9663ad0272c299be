// The peer: npm's socket.io, doing what bellwire does for a relayed message: the token checked on CONNECT, the room
// checked, the sender stamped, the event sent to the one target. Prints its port.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { Server } from "socket.io";

const secret = process.env.BELLWIRE_SECRET;

function userOf(token) {
  const [header, payload, signature] = token.split(".");
  const made = createHmac("sha256", secret).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, "base64url");
  if (given.length !== made.length || !timingSafeEqual(given, made)) throw new Error("token_invalid");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
  if (claims.exp * 1000 <= Date.now()) throw new Error("token_expired");
  return claims.sub;
}

const http = createServer();
const io = new Server(http, { serveClient: false, pingInterval: 10_000, pingTimeout: 5000 });
const webrtc = io.of("/webrtc");

webrtc.use((socket, next) => {
  try {
    socket.data.userId = userOf(socket.handshake.auth.token);
    next();
  } catch (error) {
    next(error);
  }
});

webrtc.on("connection", (socket) => {
  socket.on("call.join", ({ callId }, ack) => {
    socket.data.callId = callId;
    socket.join(callId);
    ack({ ok: true, self: { socketId: socket.id, callId, userId: socket.data.userId } });
  });
  for (const event of ["call.offer", "call.answer", "call.ice-candidate"])
    socket.on(event, ({ to, ...rest }) => {
      const { callId, userId } = socket.data;
      if (!webrtc.adapter.rooms.get(callId)?.has(to)) return;
      webrtc.to(to).emit(event, { ...rest, from: socket.id, userId, callId });
    });
});

http.listen(0, "127.0.0.1", () => console.log(`ready http=http://127.0.0.1:${http.address().port}`));
process.on("SIGTERM", () => process.exit(0));
