// Tokens signed by an issuer of its own (--jwks): what is taken, what is refused, and how keys are replaced.
import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { binary, closeLater, token as ownToken, type Server, secret, startServer } from "../lib/index.js";
import { Program } from "../lib/process.js";

type Alg = "RS256" | "PS256" | "ES256";
interface Key {
  privateKey: KeyObject;
  publicKey: KeyObject;
  kid: string;
}

const rsa = (kid: string, bits = 2048): Key => ({ ...generateKeyPairSync("rsa", { modulusLength: bits }), kid });
const ec = (kid: string, curve = "P-256"): Key => ({ ...generateKeyPairSync("ec", { namedCurve: curve }), kid });
const jwk = (key: Key, more: object = {}) => ({ ...key.publicKey.export({ format: "jwk" }), kid: key.kid, ...more });
const set = (...keys: unknown[]) => JSON.stringify({ keys });
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

function signature(alg: Alg, key: KeyObject, text: string): Buffer {
  const input = Buffer.from(text);
  if (alg === "ES256") return sign("sha256", input, { key, dsaEncoding: "ieee-p1363" });
  // 6 and 32: RSA_PKCS1_PSS_PADDING, and a salt as long as the hash.
  return sign("sha256", input, alg === "PS256" ? { key, padding: 6, saltLength: 32 } : { key });
}

function issue(alg: Alg, key: Key, { header = {}, claims = {} }: { header?: object; claims?: object } = {}): string {
  const text = `${encode({ alg, typ: "JWT", kid: key.kid, ...header })}.${encode({ sub: "alice", exp: inAnHour(), ...claims })}`;
  return `${text}.${signature(alg, key.privateKey, text).toString("base64url")}`;
}

/** The status of a request, and the code of its problem. */
async function ask(server: Server, token: string): Promise<[number, string | undefined]> {
  const answer = await fetch(`${server.url}/api/webrtc/ice-servers`, { headers: { Authorization: `Bearer ${token}` } });
  const body = (await answer.json()) as { code?: string };
  return [answer.status, body.code];
}

const good = [200, undefined];
const invalid = [401, "token_invalid"];
const keys = { rs: rsa("rs"), ps: rsa("ps"), es: ec("es"), other: rsa("rs"), p384: ec("p384", "P-384") };
const small = rsa("small", 1024);

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "bellwire-jwks-"));
  closeLater(async () => rmSync(path, { recursive: true, force: true }), "file");
  return path;
}

describe("a set in a file", () => {
  let server: Server;
  beforeAll(async () => {
    const file = join(folder(), "jwks.json");
    const unusable = [
      jwk(keys.p384, { alg: "ES384" }),
      jwk(small),
      { kty: "oct", k: Buffer.alloc(32).toString("base64url"), kid: "oct", alg: "HS256" },
      { ...jwk(rsa("enc")), use: "enc" },
      null,
      "key",
    ];
    writeFileSync(file, set(...unusable, jwk(keys.rs), jwk(keys.ps, { alg: "PS256", use: "sig" }), jwk(keys.es)));
    server = await startServer({ args: ["--jwks", file], lifetime: "file" });
  });

  it("lets in by RS256, PS256 and ES256, and by our own secret", async () => {
    expect(await ask(server, issue("RS256", keys.rs))).toEqual(good);
    expect(await ask(server, issue("PS256", keys.ps))).toEqual(good);
    expect(await ask(server, issue("ES256", keys.es))).toEqual(good);
    expect(await ask(server, ownToken({ user: "alice" }))).toEqual(good);
  });
  it("lets in without a kid where only one key has the algorithm", async () => {
    expect(await ask(server, issue("ES256", keys.es, { header: { kid: undefined } }))).toEqual(good);
  });
  it("connects sockets too", async () => {
    const { io } = await import("socket.io-client");
    const socket = io(`${server.url}/webrtc`, { forceNew: true, auth: { token: issue("ES256", keys.es) } });
    closeLater(async () => void socket.disconnect());
    const [first] = await Promise.race([once(socket as never, "connect"), once(socket as never, "connect_error")]);
    expect(first).toBeUndefined();
  });

  const exp = Math.floor(Date.now() / 1000) - 1;
  const unsigned = `${encode({ alg: "none", kid: "rs" })}.${encode({ sub: "alice", exp: inAnHour() })}`;
  const confused = (secretOf: string | Buffer) => {
    const text = `${encode({ alg: "HS256", kid: "rs" })}.${encode({ sub: "alice", exp: inAnHour() })}`;
    return `${text}.${createHmac("sha256", secretOf).update(text).digest("base64url")}`;
  };
  const pem = keys.rs.publicKey.export({ format: "pem", type: "spki" });
  const der = keys.rs.publicKey.export({ format: "der", type: "spki" });
  const cut = issue("ES256", keys.es);
  it.each([
    ["that has expired", issue("RS256", keys.rs, { claims: { exp } }), [401, "token_expired"]],
    ["without an expiry", issue("RS256", keys.rs, { claims: { exp: undefined } }), invalid],
    ["by another key of the same kid", issue("RS256", keys.other), invalid],
    ["by an unknown kid", issue("RS256", { ...keys.rs, kid: "../../dev/null" }), invalid],
    ["with a very long kid", issue("RS256", { ...keys.rs, kid: "k".repeat(4000) }), invalid],
    ["with alg none", `${unsigned}.`, invalid],
    ["with alg none and a signature", `${unsigned}.${issue("RS256", keys.rs).split(".")[2]}`, invalid],
    ["HS256 with the public key's PEM as the secret", confused(pem), invalid],
    ["HS256 with the public key's DER as the secret", confused(der), invalid],
    ["HS256 with the modulus as the secret", confused(String(jwk(keys.rs).n)), invalid],
    ["PS256 by a key that is for RS256", issue("PS256", keys.rs), invalid],
    ["RS256 by a key that is for PS256", issue("RS256", keys.ps), invalid],
    ["ES256 by a P-384 key", issue("ES256", keys.p384), invalid],
    ["RS256 by a key of 1024 bits", issue("RS256", small), invalid],
    ["RS256 that names the EC key", issue("RS256", { ...keys.rs, kid: "es" }), invalid],
    ["with a key of its own", issue("RS256", keys.other, { header: { jwk: jwk(keys.other) } }), invalid],
    ["with the address of a set", issue("RS256", keys.rs, { header: { jku: "http://127.0.0.1/" } }), invalid],
    ["with a critical member", issue("RS256", keys.rs, { header: { crit: ["exp"] } }), invalid],
    [
      "with ES256's signature in DER",
      `${cut.slice(0, cut.lastIndexOf("."))}.${sign("sha256", Buffer.from(cut.slice(0, cut.lastIndexOf("."))), keys.es.privateKey).toString("base64url")}`,
      invalid,
    ],
    [
      "with ES256's signature all zeros",
      `${cut.slice(0, cut.lastIndexOf("."))}.${Buffer.alloc(64).toString("base64url")}`,
      invalid,
    ],
    ["cut short", cut.slice(0, -4), invalid],
  ])("refuses a token %s", async (_, text, answer) => {
    expect(await ask(server, text as string)).toEqual(answer);
  });
});

describe("a set that changes", () => {
  it("in its file, on SIGHUP and by itself; a broken one leaves all as it was", async () => {
    const file = join(folder(), "jwks.json");
    writeFileSync(file, set(jwk(keys.es)));
    const server = await startServer({ args: ["--jwks", file] });
    const next = ec("next");
    const replace = (text: string) => {
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
    };
    replace("{}");
    process.kill(server.pid, "SIGHUP");
    await expect.poll(() => server.stderr).toContain("stay as they were");
    expect(await ask(server, issue("ES256", keys.es))).toEqual(good);
    replace(set(jwk(keys.es), jwk(next)));
    process.kill(server.pid, "SIGHUP");
    await expect.poll(() => ask(server, issue("ES256", next))).toEqual(good);
    expect(await ask(server, issue("ES256", keys.es))).toEqual(good);
    replace(set(jwk(next)));
    await expect.poll(() => ask(server, issue("ES256", keys.es)), { timeout: 10_000 }).toEqual(invalid);
    expect(await ask(server, issue("ES256", next))).toEqual(good);
  });

  it("at its URL; unknown keys make it ask, but seldom; what goes wrong there changes nothing", async () => {
    let served = 0;
    let answer: (out: ServerResponse) => void = (out) => void out.end(set(jwk(keys.es)));
    const http = createServer((_, out) => {
      served++;
      answer(out);
    });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    closeLater(async () => void http.close().closeAllConnections());
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/jwks`;
    const server = await startServer({ args: ["--jwks", url, "--jwks-refresh", "1s"] });
    await expect.poll(() => ask(server, issue("ES256", keys.es))).toEqual(good);

    const next = ec("next");
    answer = (out) => void out.end(set(jwk(keys.es), jwk(next)));
    await expect.poll(() => ask(server, issue("ES256", next)), { timeout: 5000 }).toEqual(good);
    const before = served;
    for (let i = 0; i < 300; i++) await ask(server, issue("ES256", { ...next, kid: `unknown${i}` }));
    expect(served - before).toBeLessThan(10);

    const wrongs = [
      (out: ServerResponse) => void out.writeHead(500).end("{}"),
      (out: ServerResponse) => void out.writeHead(302, { location: `${url}/elsewhere` }).end(),
      (out: ServerResponse) => void out.end("x".repeat(400_000)),
      (out: ServerResponse) => void out.end(set()),
      (out: ServerResponse) => out.destroy(),
    ];
    for (const wrong of wrongs) {
      answer = wrong;
      const from = served;
      await expect.poll(() => served, { timeout: 10_000 }).toBeGreaterThan(from + 1);
      expect(await ask(server, issue("ES256", next))).toEqual(good);
    }
    answer = (out) => void out.end(set(jwk(next)));
    await expect.poll(() => ask(server, issue("ES256", keys.es)), { timeout: 10_000 }).toEqual(invalid);
  }, 40_000);

  it("that is not there ends the start with 2 and a reason", async () => {
    const wrongs = [
      ["/nowhere/jwks.json", "No such file"],
      ["ftp://issuer.example/jwks", "neither a file nor"],
      [join(folder(), "empty.json"), "no JSON Web Key Set"],
    ] as const;
    writeFileSync(wrongs[2][0], "");
    for (const [where, why] of wrongs) {
      const args = ["serve", "--listen", "127.0.0.1:0", "--data", folder(), "--turn-listen", "none", "--jwks", where];
      const program = new Program(binary, args, { ...process.env, BELLWIRE_SECRET: secret });
      expect((await program.ended).code).toBe(2);
      expect(program.stderr).toContain(why);
    }
  });
});
