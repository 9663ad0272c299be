// Two RTCPeerConnections of a package from npm, forced to relay, and a data channel between them:
// PACKAGE HOST PORT TRANSPORT USER PASSWORD.
const [name = "", host, port, transport, username, credential] = process.argv.slice(2);
const module = await import(name);
const { RTCPeerConnection } = module.default ?? module;

const urls =
  transport === "tls" ? `turns:${host}:${port}?transport=tcp` : `turn:${host}:${port}?transport=${transport}`;
const configuration = { iceServers: [{ urls, username, credential }], iceTransportPolicy: "relay" };
const [one, other] = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)];
const seen = new Set();

function introduce(from, to) {
  from.onicecandidate = ({ candidate }) => {
    const text = candidate?.candidate;
    if (!text) return;
    seen.add(/ typ (\w+)/.exec(text)?.[1]);
    to.addIceCandidate(candidate).catch((error) => console.error("candidate", error));
  };
}
introduce(one, other);
introduce(other, one);

other.ondatachannel = ({ channel }) => {
  channel.onmessage = ({ data }) => channel.send(`${data}!`);
};
const channel = one.createDataChannel("echo");
let heard = 0;
const done = new Promise((resolve) => {
  channel.onopen = () => channel.send("0");
  channel.onmessage = ({ data }) => {
    if (`${data}` !== `${heard}!`) throw new Error(`heard ${data}`);
    if (++heard === 50) resolve();
    else channel.send(`${heard}`);
  };
});
await one.setLocalDescription(await one.createOffer());
await other.setRemoteDescription(one.localDescription);
await other.setLocalDescription(await other.createAnswer());
await one.setRemoteDescription(other.localDescription);
await Promise.race([
  done,
  new Promise((_, fail) => setTimeout(() => fail(new Error(`no echo; candidates ${[...seen]}`)), 25_000)),
]);
console.log("echoed over", [...seen].join(" "));
process.exit(0);
