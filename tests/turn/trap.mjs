// Runs inside a network namespace where every address is local: prints each datagram that comes to port 9 or 80, and
// sends one from an address that stands on its standard input ("FROM TO PORT").
import { createSocket } from "node:dgram";
import { createInterface } from "node:readline";

for (const [family, any] of [
  ["udp4", "0.0.0.0"],
  ["udp6", "::"],
])
  for (const port of [9, 80]) {
    const socket = createSocket({ type: family, ipv6Only: family === "udp6" });
    socket.on("message", (bytes) => console.log(`heard ${bytes}`));
    socket.bind(port, any);
  }

createInterface({ input: process.stdin }).on("line", (line) => {
  const [from = "", to = "", port = ""] = line.split(" ");
  const socket = createSocket(from.includes(":") ? "udp6" : "udp4");
  socket.on("error", () => console.log(`cannot ${from}`));
  socket.bind(0, from, () =>
    socket.send(`from ${from}`, Number(port), to, (error) => {
      console.log(`${error ? "cannot" : "sent"} ${from}`);
      socket.close();
    }),
  );
});
console.log("ready");
