// HTTPS from outside: certificates by name, what is refused, resumption, reload, and TURN behind the same port.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, writeFileSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { type ConnectionOptions, connect, type PeerCertificate, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { io } from "socket.io-client";
import { beforeAll, describe, expect, it } from "vitest";
import {
  binary,
  type Certificate,
  closeLater,
  makeCertificate,
  rawHttp,
  type Server,
  secret,
  startServer,
} from "../lib/index.js";

const run = promisify(execFile);
let first: Certificate;
let second: Certificate;
let server: Server;

beforeAll(async () => {
  first = makeCertificate(["calls.test"], "file");
  second = makeCertificate(["other.test", "*.wild.test"], "file", "rsa");
  const args = [...first.args, ...second.args, "--protocol-echo"];
  server = await startServer({ args, lifetime: "file" });
});

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function dial(
  options: ConnectionOptions = {},
  port = server.port,
  onTicket: (ticket: Buffer) => void = () => {},
): Promise<TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options });
  socket.on("error", () => {});
  socket.on("session", onTicket);
  closeLater(() => socket.destroy());
  await Promise.race([
    once(socket, "secureConnect"),
    once(socket, "close").then(() => Promise.reject(new Error("closed in the handshake"))),
  ]);
  return socket;
}

/** Sends, and collects until the answer holds what is wanted. */
async function ask(socket: TLSSocket, text: string | Buffer, wanted: string): Promise<string> {
  let got = "";
  let take = (_chunk: Buffer) => {};
  const found = new Promise<void>((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`no ${wanted} in ${JSON.stringify(got)}`)), 5000);
    take = (chunk) => {
      got += chunk.toString("latin1");
      if (!got.includes(wanted)) return;
      clearTimeout(timer);
      done();
    };
  });
  socket.on("data", take);
  socket.write(text);
  await found;
  socket.off("data", take);
  return got;
}

const health = "GET /healthz HTTP/1.1\r\nHost: calls.test\r\n\r\n";
const alive = (socket: TLSSocket) => ask(socket, health, '{"status":"ok"}');
const nameOf = (socket: TLSSocket) => (socket.getPeerCertificate() as PeerCertificate).subject.CN;

describe("certificates", () => {
  it.each([
    ["calls.test", "calls.test"],
    ["other.test", "other.test"],
    ["a.wild.test", "other.test"],
    ["A.Wild.Test", "other.test"],
    ["a.b.wild.test", "calls.test"],
    ["unknown.test", "calls.test"],
    [undefined, "calls.test"],
  ])("who asks for %s is shown %s", async (servername, shown) => {
    expect(nameOf(await dial({ servername }))).toBe(shown);
  });

  it("verifies for a client that trusts it", async () => {
    const socket = await dial({ servername: "calls.test", ca: first.pem, rejectUnauthorized: true });
    expect(socket.authorized).toBe(true);
    await alive(socket);
  });
});

describe("versions and protocols", () => {
  it("takes the cipher that holds least memory, whatever the client likes best", async () => {
    const ciphers = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";
    expect((await dial({ ciphers })).getCipher().standardName).toBe("TLS_AES_128_GCM_SHA256");
  });
  it.each(["TLSv1.2", "TLSv1.3"] as const)("speaks %s", async (version) => {
    const socket = await dial({ minVersion: version, maxVersion: version });
    expect(socket.getProtocol()).toBe(version);
    await alive(socket);
  });

  it.each([
    ["TLS 1.1", ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "protocol version"],
    ["RSA key exchange", ["-tls1_2", "-cipher", "AES128-GCM-SHA256"], "handshake failure"],
    ["CBC", ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256"], "handshake failure"],
    ["only HTTP/2", ["-alpn", "h2"], "no application protocol"],
  ])("refuses %s", async (_what, words, alert) => {
    const failed = await run("openssl", ["s_client", "-connect", `127.0.0.1:${server.port}`, ...words]).then(
      () => "",
      (error: { stderr: string }) => error.stderr,
    );
    expect(failed).toContain(alert);
  });

  it.each([
    [["h2", "http/1.1"], "http/1.1"],
    [["http/1.1"], "http/1.1"],
    [undefined, false],
  ])("of %j takes %s", async (offered, chosen) => {
    const socket = await dial({ ALPNProtocols: offered });
    expect(socket.alpnProtocol).toBe(chosen);
    await alive(socket);
  });

  it("hangs up on what is no TLS, and on a broken hello", async () => {
    for (const bytes of [health, "\x16\x03\x01\x00\x05hello", Buffer.alloc(70_000, 0x16)]) {
      const answer = await rawHttp(server.port, bytes);
      expect(answer.closed).toBe(true);
      expect(answer.statuses).toEqual([]);
    }
  });
});

describe("sessions", () => {
  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "are resumed with a ticket in %s, one for each handshake",
    async (version) => {
      const versions = { minVersion: version, maxVersion: version };
      const tickets: Buffer[] = [];
      const before = await dial(versions, server.port, (ticket) => tickets.push(ticket));
      await alive(before);
      expect(tickets.length).toBe(1);
      const again = await dial({ ...versions, session: tickets[0] });
      expect(again.isSessionReused()).toBe(true);
      await alive(again);
    },
  );

  it("are not resumed with another server's ticket", async () => {
    const other = await startServer({ args: first.args });
    const before = await dial({}, other.port);
    const ticket = once(before, "session");
    await alive(before);
    const again = await dial({ session: (await ticket)[0] as Buffer });
    expect(again.isSessionReused()).toBe(false);
    await alive(again);
  });
});

describe("bytes", () => {
  it("go both ways in any size of records", async () => {
    const socket = await dial();
    for (const byte of health.slice(0, -1)) {
      socket.write(byte);
      await sleep(1);
    }
    await ask(socket, health.slice(-1), '{"status":"ok"}');
    const last = health.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    const many = await ask(socket, health.repeat(49) + last, "Connection: close");
    expect(many.match(/200 OK/g)).toHaveLength(50);
  });

  it("end with a word of farewell", async () => {
    const socket = await dial();
    const ended = once(socket, "end");
    const text = await ask(socket, health.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"), '"ok"}');
    expect(text).toContain("Connection: close");
    await ended;
  });

  it("are answered although the client has said farewell", async () => {
    const socket = await dial({ allowHalfOpen: true } as ConnectionOptions);
    const answer = alive(socket);
    socket.end();
    expect(await answer).toContain("200 OK");
  });

  it("of the API tell where TURN is behind this port", async () => {
    const token = (
      await run(binary, ["token", "--user", "alice"], { env: { ...process.env, BELLWIRE_SECRET: secret } })
    ).stdout.trim();
    const request = `GET /api/webrtc/ice-servers HTTP/1.1\r\nHost: calls.test:8443\r\nAuthorization: Bearer ${token}\r\n\r\n`;
    expect(await ask(await dial(), request, "ttl")).toContain('"turns:calls.test:8443?transport=tcp"');
  });
});

describe("Socket.IO over TLS", () => {
  it.each([["polling"], ["websocket"]])("with the official client, by %s", async (transport) => {
    const socket = io(server.url, { transports: [transport], ca: first.pem, forceNew: true } as object);
    closeLater(() => socket.disconnect());
    await new Promise<void>((done, fail) => socket.once("connect", done).once("connect_error", fail));
    for (const size of [1, 1000, 16_384, 100_000, 300_000]) {
      const text = "x".repeat(size);
      expect(await socket.timeout(5000).emitWithAck("message-with-ack", text, Buffer.alloc(size))).toBeDefined();
    }
  });
});

describe("reload on SIGHUP", () => {
  it("shows the new certificate to those who come, and keeps the old one when the file is bad", async () => {
    const mine = makeCertificate(["before.test"]);
    const fresh = makeCertificate(["after.test"]);
    const reloading = await startServer({ args: mine.args });
    const old = await dial({}, reloading.port);
    const hup = async (told: RegExp) => {
      process.kill(reloading.pid, "SIGHUP");
      await expect.poll(() => reloading.stderr, { timeout: 10_000 }).toMatch(told);
    };
    writeFileSync(mine.certFile, "no certificate");
    await hup(/holds no PEM certificate/);
    expect(nameOf(await dial({}, reloading.port))).toBe("before.test");
    expect(reloading.stderr.match(/the certificates stay as they were.*holds no PEM certificate/g)).toHaveLength(1);
    copyFileSync(fresh.certFile, mine.certFile);
    await hup(/is not the key of/);
    expect(nameOf(await dial({}, reloading.port))).toBe("before.test");
    expect(reloading.stderr).toContain("is not the key of");
    copyFileSync(fresh.keyFile, mine.keyFile);
    await hup(/certificates read again/);
    expect(nameOf(await dial({}, reloading.port))).toBe("after.test");
    await alive(old);
  });
});

describe("a start with files that cannot be used ends with 2 and one line", () => {
  const attempt = (args: string[]) =>
    run(binary, ["serve", "--listen", "127.0.0.1:0", ...args], {
      env: { ...process.env, BELLWIRE_SECRET: secret },
      timeout: 5000,
    }).then(
      () => ({ code: 0, stderr: "" }),
      (error: { code: number; stderr: string }) => error,
    );

  it.each<[string, () => string[], string]>([
    ["no key", () => ["--tls-cert", first.certFile], "--tls-cert and --tls-key go in pairs"],
    ["a file that is not there", () => ["--tls-cert", "/nowhere", "--tls-key", first.keyFile], "cannot read /nowhere"],
    ["a key for a certificate", () => ["--tls-cert", first.keyFile, "--tls-key", first.keyFile], "holds no PEM certi"],
    ["a certificate for a key", () => ["--tls-cert", first.certFile, "--tls-key", first.certFile], "holds no PEM priv"],
    ["another's key", () => ["--tls-cert", first.certFile, "--tls-key", second.keyFile], "is not the key of"],
    ["the wrong order", () => [...first.args.slice(0, 2), ...second.args, ...first.args.slice(2)], "in the same order"],
  ])("%s", async (_what, args, says) => {
    const { code, stderr } = await attempt(args());
    expect(code).toBe(2);
    expect(stderr).toContain(says);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it("an encrypted key, telling how to write it plainly", async () => {
    const mine = makeCertificate(["locked.test"]);
    const locked = `${mine.keyFile}.locked`;
    await run("openssl", ["pkey", "-in", mine.keyFile, "-aes256", "-passout", "pass:x", "-out", locked]);
    const { code, stderr } = await attempt(["--tls-cert", mine.certFile, "--tls-key", locked]);
    expect(code).toBe(2);
    expect(stderr).toContain("openssl pkey -in");
  });
});

describe("TURN behind the same port", () => {
  // A binding request (RFC 8489 §5) with its own transaction.
  const binding = Buffer.from("000100002112a442000102030405060708090a0b", "hex");
  const success = Buffer.from("0101", "hex").toString("latin1");

  it("by its protocol's name", async () => {
    const socket = await dial({ ALPNProtocols: ["stun.turn"] });
    expect(socket.alpnProtocol).toBe("stun.turn");
    await ask(socket, binding, success);
    await ask(socket, binding, success);
  });

  it("by its first bytes, also one by one", async () => {
    await ask(await dial(), binding, success);
    const slow = await dial({ minVersion: "TLSv1.2", maxVersion: "TLSv1.2" });
    for (const byte of binding.subarray(0, 19)) {
      slow.write(Buffer.from([byte]));
      await sleep(2);
    }
    await ask(slow, binding.subarray(19), success);
  });

  it("with much behind the first bytes", async () => {
    const socket = await dial();
    const all = Buffer.concat(Array.from({ length: 3000 }, () => binding));
    let got = 0;
    socket.on("data", (chunk: Buffer) => {
      got += chunk.length;
    });
    socket.write(all);
    await expect.poll(() => got, { timeout: 5000 }).toBeGreaterThanOrEqual(3000 * 32);
  });

  it("and not for plain connections", async () => {
    const plain = await startServer();
    const answer = await rawHttp(plain.port, binding);
    expect(answer.statuses).toEqual([400]);
  });

  it("and not without a relay", async () => {
    const alone = await startServer({ args: [...first.args, "--turn-listen", "none"] });
    const answer = await ask(await dial({}, alone.port), binding, "HTTP/1.1");
    expect(answer).toContain("400 Bad Request");
    await expect(dial({ ALPNProtocols: ["stun.turn"] }, alone.port)).rejects.toThrow();
  });
});

describe("pressure", () => {
  it("a silent client is left after ten seconds, in any part of the handshake", async () => {
    const from = performance.now();
    const silent = connectPlain(server.port, "127.0.0.1");
    const half = connectPlain(server.port, "127.0.0.1");
    half.write(Buffer.from("1603010200010001fc0303", "hex"));
    await Promise.all([once(silent, "close"), once(half, "close")]);
    expect(performance.now() - from).toBeGreaterThan(9000);
    expect(performance.now() - from).toBeLessThan(12_000);
  });

  /** The 99th percentile of a request's time while others shake hands as fast as they can. */
  async function waitInStorm(socket: TLSSocket): Promise<number> {
    const storm = Array.from({ length: 4 }, () =>
      spawn("openssl", ["s_time", "-connect", `127.0.0.1:${server.port}`, "-new", "-time", "3"], { stdio: "ignore" }),
    );
    closeLater(() => {
      for (const child of storm) child.kill();
    });
    const waits: number[] = [];
    const until = performance.now() + 2500;
    while (performance.now() < until) {
      const from = performance.now();
      await alive(socket);
      waits.push(performance.now() - from);
      await sleep(5);
    }
    await Promise.all(storm.map((child) => child.exitCode ?? once(child, "exit")));
    return waits.sort((a, b) => a - b)[Math.floor(waits.length * 0.99)] ?? 0;
  }

  it("a storm of handshakes does not stall those who are connected", async () => {
    const socket = await dial();
    const seen: number[] = [];
    // A busy machine holds us up now and then; a loop that stalls does it each time.
    while (seen.length < 5 && !seen.some((ms) => ms < 150)) seen.push(await waitInStorm(socket));
    console.log(`note: p99 of a request in a storm of handshakes: ${seen.map((ms) => ms.toFixed(1)).join(", ")} ms`);
    if (!process.env.BELLWIRE_SANITIZED) expect(Math.min(...seen)).toBeLessThan(150);
  });
});
