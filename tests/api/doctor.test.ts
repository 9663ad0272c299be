// `bellwire doctor` against servers that are well, and against troubles that it must name and tell how to mend.
import { execFile } from "node:child_process";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fill, smallDisk } from "../ledger/disk.js";
import { makeCertificate, secret, startServer } from "../lib/index.js";
import { closeLater } from "../lib/lifetime.js";
import { binary } from "../lib/paths.js";

interface Said {
  code: number;
  lines: Record<string, string>;
  text: string;
}

/** Runs it; each line by what it is about, its mark before it. */
function doctor(args: string[], env: Record<string, string> = {}): Promise<Said> {
  const options = { env: { ...process.env, BELLWIRE_SECRET: secret, ...env } };
  return new Promise((done) =>
    execFile(binary, ["doctor", ...args], options, (error, text, errors) => {
      const lines = [...text.matchAll(/^(ok|look|MEND) +(.{16}) (.*)$/gm)].map(([, mark, name, rest]) => [
        name?.trim(),
        `${mark} ${rest}`,
      ]);
      done({ code: error ? Number(error.code) : 0, lines: Object.fromEntries(lines), text: text + errors });
    }),
  );
}

/** A proxy that passes requests and no upgrades, and whose clock is so many seconds off. */
async function poorProxy(target: string, offS: number): Promise<string> {
  const proxy = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const { upgrade: _, connection: __, ...rest } = headers;
    const onward = request(new URL(url ?? "/", target), { method, headers: rest }, (answer) => {
      const date = new Date(Date.parse(answer.headers.date ?? "") + offS * 1000).toUTCString();
      outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, date });
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  closeLater(() => new Promise((done) => proxy.close(done)));
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

describe("a server that is well", () => {
  it("passes over plain HTTP, with a word about it", async () => {
    const path = ["--path", "/wire/"];
    const server = await startServer({ args: ["--turn-allow-loopback", ...path] });
    const { code, lines, text } = await doctor(["--url", server.url, "--data", server.data, ...path]);
    expect(code, text).toBe(0);
    expect(lines.certificate).toMatch(/^look plain HTTP/);
    for (const name of [
      "DNS, TCP",
      "clock",
      "database",
      "disk",
      "relay",
      "WebSocket",
      "token",
      "STUN",
      "relay over udp",
      "relay over tcp",
    ])
      expect(lines[name], `${name}\n${text}`).toMatch(/^ok/);
    expect(lines.NAT).toMatch(/^ok none: this machine is seen with its own address, 127\.0\.0\.1:\d+/);
    expect(lines["relay over udp"]).toMatch(/an allocation was made at 127\.0\.0\.1:\d+/);
    expect(text).toContain("Calls can be made");
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain('bellwire_turn_allocations_made_total{transport="udp"} 1\n');
    expect(metrics).toContain('bellwire_turn_allocations{transport="udp"} 0\n');
  });

  it("passes over HTTPS, with an allocation over TLS", async () => {
    const { certFile, args } = makeCertificate(["localhost"]);
    const server = await startServer({ args: [...args, "--turn-allow-loopback"] });
    const url = `https://localhost:${server.port}`;
    const { code, lines, text } = await doctor(["--url", url], { SSL_CERT_FILE: certFile });
    expect(code, text).toBe(0);
    expect(lines.certificate).toMatch(/^ok good for localhost, \d+ days left/);
    expect(lines["relay over tls"]).toMatch(/^ok an allocation was made/);
  });
});

describe("what must be mended", () => {
  it("a certificate that nobody trusts", async () => {
    const { args } = makeCertificate(["localhost"]);
    const server = await startServer({ args });
    const { code, lines } = await doctor(["--url", `https://localhost:${server.port}`]);
    expect(code).toBe(1);
    expect(lines.certificate).toMatch(/^MEND the certificate is not good for localhost/);
  });

  it("a port that is closed, a name that is not there, an address that is none", async () => {
    expect((await doctor(["--url", "http://127.0.0.1:1"])).lines.TCP).toMatch(
      /^MEND port 1 of 127\.0\.0\.1 cannot be reached/,
    );
    expect((await doctor(["--url", "http://nothing.invalid"])).lines.DNS).toMatch(
      /^MEND the name nothing\.invalid is not found/,
    );
    const wrong = await doctor(["--url", "gopher://x"]);
    expect([wrong.code, wrong.text]).toEqual([2, expect.stringContaining("--url: gopher://x is not an address")]);
  });

  it("another secret, a relay with another, and none at all", async () => {
    const server = await startServer({ args: ["--turn-allow-loopback"] });
    const other = await doctor(["--url", server.url], { BELLWIRE_SECRET: "x".repeat(40) });
    expect([other.code, other.lines.token]).toEqual([1, expect.stringMatching(/^MEND the server refuses/)]);
    const none = await startServer({ args: ["--turn-listen", "none"] });
    expect((await doctor(["--url", none.url])).lines.relay).toMatch(/^MEND the server offers none/);
    const relay = new URL(server.url).hostname;
    const split = await startServer({
      args: [
        "--turn-listen",
        "none",
        "--ice-server",
        `turn:${relay}:${server.ready.turn?.split(":")[1]}?transport=udp`,
      ],
      env: { BELLWIRE_TURN_SECRET: "another secret of a relay, with 32 bytes" },
    });
    const said = await doctor(["--url", split.url]);
    expect([said.code, said.lines["relay over udp"]]).toEqual([
      1,
      expect.stringMatching(/^MEND .* refuses the server's credentials/),
    ]);
  });

  it("a certificate that ends soon", async () => {
    const { certFile, args } = makeCertificate(["localhost"], "test", "ec", 9);
    const server = await startServer({ args });
    const { lines } = await doctor(["--url", `https://localhost:${server.port}`], { SSL_CERT_FILE: certFile });
    expect(lines.certificate).toMatch(/^look it expires in [89] days: renew it/);
  });

  it("a proxy that passes no WebSockets, and clocks that do not agree", async () => {
    const server = await startServer();
    const { code, lines } = await doctor(["--url", await poorProxy(server.url, -3600)]);
    expect([code, lines.database]).toEqual([1, expect.stringMatching(/^ok/)]);
    expect(lines.WebSocket).toMatch(/^MEND answered \d+ instead of 101: let the proxy pass Upgrade and Connection/);
    expect(lines.clock).toMatch(/^MEND .* are 3[56]\d\d s apart: tokens will seem expired; run an NTP client/);
    expect((await doctor(["--url", await poorProxy(server.url, 1)])).lines.clock).toMatch(/^ok/);
  });

  it("a relay that does not answer, over UDP and over TCP", async () => {
    const ices = ["udp", "tcp"].flatMap((transport) => ["--ice-server", `turn:127.0.0.1:1?transport=${transport}`]);
    const server = await startServer({
      args: ["--turn-listen", "none", ...ices],
      env: { BELLWIRE_TURN_SECRET: "a secret of a relay that is not there" },
    });
    const { lines } = await doctor(["--url", server.url]);
    expect(lines["relay over udp"]).toMatch(/^MEND turn:127\.0\.0\.1:1\S* does not answer: open its port .* for UDP/);
    expect(lines["relay over tcp"]).toMatch(/^MEND port 1 of 127\.0\.0\.1 cannot be reached/);
  });

  it("a disk without room, and then a database that cannot write", async () => {
    const data = smallDisk(48);
    const server = await startServer({ data });
    const full = await doctor(["--url", server.url]);
    expect([full.code, full.lines.disk]).toEqual([1, "MEND full: the data folder has no room: make some"]);
    expect(full.lines.database).toMatch(/^ok/);
    fill(data);
    const members = Array.from({ length: 6000 }, (_, n) => `somebody-${n}`.padEnd(100, "-"));
    const put = async (n: number) => (await server.host().put(`/api/channels/${n}`, { name: null, members })).status;
    for (let n = 0; n < 40 && (await put(n)) !== 503; n++);
    const { lines } = await doctor(["--url", server.url]);
    expect(lines.database).toMatch(/^MEND unavailable: the log names the error/);
    expect((await server.rest(null).get("/readyz")).body.checks).toMatchObject({
      database: "unavailable",
      disk: "full",
    });
    await server.kill();
  });

  it("a data folder that this user cannot write is named", async () => {
    const { lines } = await doctor(["--url", "http://127.0.0.1:1", "--data", join("/proc", "self")]);
    expect(lines["data folder"]).toMatch(/^(MEND|look) /);
  });
});
