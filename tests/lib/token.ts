// Tokens as a host application would make them: HS256 with the secret that the servers of the tests share.
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { promisify } from "node:util";
import { binary } from "./paths.js";

export const secret = "a-secret-of-the-tests-with-more-than-32-bytes";

export interface TokenOptions {
  user?: string;
  name?: string;
  scope?: string;
  /** Seconds from now; negative for a token that has expired. */
  ttl?: number;
  secret?: string;
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export function token(options: TokenOptions = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    sub: options.user ?? "alice",
    name: options.name,
    scope: options.scope,
    iat: now,
    exp: now + (options.ttl ?? 3600),
    ...options.claims,
  };
  const signed = `${encode({ alg: "HS256", typ: "JWT", ...options.header })}.${encode(claims)}`;
  const signature = createHmac("sha256", options.secret ?? secret)
    .update(signed)
    .digest("base64url");
  return `${signed}.${signature}`;
}

/** The same by `bellwire token`. */
export async function tokenFromBinary(options: Pick<TokenOptions, "user" | "name" | "scope"> & { ttl?: string } = {}) {
  const flags = Object.entries({ user: "alice", ...options }).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const { stdout } = await promisify(execFile)(binary, ["token", ...flags], {
    env: { ...process.env, BELLWIRE_SECRET: secret },
  });
  return stdout.trim();
}
