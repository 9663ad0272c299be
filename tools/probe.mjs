// `node tools/probe.mjs [slow|tls]`: Debian's slowhttptest in its four modes, and testssl.sh, against the built server.
// Ends with 1 when the server was not available to others, or when testssl.sh found more than a certificate of our own.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, run } from "./lib/run.mjs";

const folder = mkdtempSync(join(tmpdir(), "bellwire-probe-"));
const chosen = process.argv.slice(2);
const wants = (name) => chosen.length === 0 || chosen.includes(name);
let failed = false;

/** The server, serving the demo's page too; `use` gets its port. */
async function withServer(args, use) {
  const words = ["serve", "--listen", "127.0.0.1:0", "--turn-listen", "none", "--data", join(folder, "data")];
  const env = { ...process.env, BELLWIRE_SECRET: "a-secret-of-the-probes-with-more-than-32-bytes" };
  const web = ["--web", join(root, "apps/demo/dist")];
  const child = spawn(join(root, "build/bellwire"), [...words, ...web, ...args], {
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = new Promise((done) => child.once("exit", done));
  const port = await new Promise((done) => {
    child.stdout.on("data", (text) => {
      const found = /http=\w+:\/\/[^:]+:(\d+)/.exec(text);
      if (found) done(found[1]);
    });
  });
  await use(port).finally(() => child.kill());
  await ended;
}

const modes = (url) => ({
  "slow headers": ["-H", "-i", "2", "-c", "1000", "-l", "45", "-u", `${url}/healthz`],
  "slow bodies": ["-B", "-i", "3", "-c", "500", "-s", "8192", "-l", "60", "-t", "POST", "-u", `${url}/api/calls`],
  "slow reading": [
    "-X",
    "-c",
    "500",
    "-w",
    "10",
    "-y",
    "20",
    "-n",
    "5",
    "-z",
    "32",
    "-k",
    "3",
    "-l",
    "60",
    "-u",
    `${url}/`,
  ],
  ranges: ["-R", "-c", "500", "-a", "10", "-b", "3000", "-l", "30", "-u", `${url}/`],
});

async function probeSlow() {
  await withServer([], async (port) => {
    for (const [name, words] of Object.entries(modes(`http://127.0.0.1:${port}`))) {
      const { output } = await run("slowhttptest", [...words, "-r", "200", "-p", "2"]);
      const seen = [...output.matchAll(/service available:\S*\s+(?:\S*m)?(YES|NO)/g)].map(([, word]) => word);
      const good = seen.length > 0 && !seen.includes("NO");
      const end = /Test ended on (\d+)/.exec(output)?.[1];
      console.log(`${name.padEnd(14)} available to others: ${good ? "always" : "NOT ALWAYS"}; over after ${end} s`);
      failed ||= !good;
    }
  });
}

async function probeTls() {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
  const files = ["-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", "-nodes", "-days", "30", ...kind, ...names, ...files], { stdio: "ignore" });
  await withServer(["--tls-cert", cert, "--tls-key", key], async (port) => {
    const words = ["--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none", `127.0.0.1:${port}`];
    const { output } = await run("testssl", words, { timeoutMs: 1_200_000 });
    const ours = /Chain of trust|CRL nor OCSP|OCSP URI/; // a certificate that signed itself
    const found = output.split("\n").filter((line) => /NOT ok|VULNERABLE/.test(line) && !ours.test(line));
    const whole = output.includes("Testing vulnerabilities") && output.includes(" Done ");
    console.log(whole ? `testssl.sh: ${found.length} findings` : "testssl.sh did not come to its end");
    for (const line of found) console.log(line);
    failed ||= found.length > 0 || !whole;
  });
}

try {
  if (wants("slow")) await probeSlow();
  if (wants("tls")) await probeTls();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
