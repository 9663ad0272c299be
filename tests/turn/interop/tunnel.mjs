// TLS for clients that speak none of their own, or trust no certificate of ours: HOST PORT. Prints its own port of loopback.
import { createServer } from "node:net";
import { connect } from "node:tls";

const [host, port] = process.argv.slice(2);
const server = createServer((client) => {
  const relay = connect({ host, port: Number(port), servername: "calls.test" });
  client.pipe(relay).pipe(client);
  for (const end of [client, relay]) end.on("error", () => {}).on("close", () => client.destroy() && relay.destroy());
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
