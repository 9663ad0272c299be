// Certificates for tests, signed by themselves.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeLater } from "./lifetime.js";

export interface Certificate {
  certFile: string;
  keyFile: string;
  /** The certificate's text, for a client to trust. */
  pem: string;
  /** The two options that make a server show it. */
  args: string[];
}

/** A fresh certificate for these names or addresses (and 127.0.0.1), in a folder that goes with the test or the file. */
export function makeCertificate(
  names: string[],
  lifetime: "test" | "file" = "test",
  kind = "ec",
  days = 30,
): Certificate {
  const dir = mkdtempSync(join(tmpdir(), "bellwire-tls-"));
  closeLater(async () => rmSync(dir, { recursive: true, force: true }), lifetime);
  const certFile = join(dir, "cert.pem");
  const keyFile = join(dir, "key.pem");
  const key = kind === "ec" ? ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["rsa:2048"];
  const alternatives = [...names.map((name) => `${isIP(name) ? "IP" : "DNS"}:${name}`), "IP:127.0.0.1"].join(",");
  const words = ["req", "-x509", "-nodes", "-days", `${days}`, "-subj", `/CN=${names[0]}`, "-newkey", ...key];
  const files = ["-addext", `subjectAltName=${alternatives}`, "-keyout", keyFile, "-out", certFile];
  execFileSync("openssl", [...words, ...files], { stdio: "ignore" });
  const args = ["--tls-cert", certFile, "--tls-key", keyFile];
  return { certFile, keyFile, pem: readFileSync(certFile, "utf8"), args };
}

/** A certificate for one name that an authority of the test's own has signed, for clients that insist on one. */
export function makeSignedCertificate(name: string, lifetime: "test" | "file" = "test") {
  const authority = makeCertificate(["authority.test"], lifetime);
  const own = makeCertificate([name], lifetime);
  const extensions = `${own.certFile}.ext`;
  const request = `${own.certFile}.csr`;
  writeFileSync(extensions, `subjectAltName=DNS:${name}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n`);
  const openssl = (...words: string[]) => execFileSync("openssl", words, { stdio: "ignore" });
  openssl("req", "-new", "-key", own.keyFile, "-subj", `/CN=${name}`, "-out", request);
  const by = ["-CA", authority.certFile, "-CAkey", authority.keyFile, "-CAcreateserial"];
  openssl("x509", "-req", "-days", "30", "-in", request, ...by, "-extfile", extensions, "-out", own.certFile);
  return { ...own, authority };
}
