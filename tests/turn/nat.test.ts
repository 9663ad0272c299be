// What `bellwire doctor` and /readyz say from behind NATs and with a relay that is cut off: in namespaces of the test's own.
import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { makeHome, makeInternet, type Namespace, type Nat } from "../e2e/lib/index.js";
import { secret, startServer } from "../lib/index.js";
import { closeLater } from "../lib/lifetime.js";
import { binary } from "../lib/paths.js";

const ORIGIN = "20.77.0.1:8080";
const RELAY = "20.77.0.1:3478";

let internet: Namespace;
let home: Nat;

/** What it says about the NAT, from inside the home. */
function doctor(): Promise<string> {
  const [command, ...words] = home.home.wrapper;
  const args = [...words, binary, "doctor", "--url", `http://${ORIGIN}`];
  return new Promise((done) =>
    execFile(command, args, { env: { ...process.env, BELLWIRE_SECRET: secret } }, (_error, text) =>
      done(/^(?:ok|look|MEND) +NAT .*$/m.exec(text)?.[0].replace(/ +/g, " ") ?? `nothing of a NAT:\n${text}`),
    ),
  );
}

/** Only these UDP ports of the server can be reached from the public bridge. */
function firewall(ports: string | null): void {
  const [command, ...words] = internet.wrapper;
  const rules = `
table ip fence {
  chain in {
    type filter hook input priority filter
    iifname "br0" udp dport != ${ports} drop
  }
}
`;
  execFileSync(command, [...words, "nft", "-f", "-"], { input: ports ? rules : "delete table ip fence\n" });
}

beforeAll(async () => {
  internet = makeInternet();
  home = makeHome(internet, 1);
  await startServer({
    ...{ wrapper: internet.wrapper, listen: ORIGIN, lifetime: "file" },
    args: ["--turn-listen", RELAY],
  });
});

describe("a NAT between here and the relay", () => {
  it("that keeps a port for all destinations is named as such", async () => {
    home.set({ symmetric: false, allowed: "all" });
    expect(await doctor()).toMatch(
      /^ok NAT 10\.77\.1\.2:\d+ is seen as 20\.77\.0\.11:\d+ from both ports: direct calls find a way$/,
    );
  });

  it("that takes another port for each destination is told apart", async () => {
    home.set({ symmetric: true, allowed: "all" });
    const said = await doctor();
    const [, one, other] = /is seen as 20\.77\.0\.11:(\d+), and elsewhere as 20\.77\.0\.11:(\d+)/.exec(said) ?? [];
    expect(said).toMatch(/^look NAT .* calls go over the relay/);
    expect(one).not.toBe(other);
  });

  it("and relay ports that the server's firewall closes are named", async () => {
    home.set({ symmetric: false, allowed: "all" });
    firewall("3478");
    expect(await doctor()).toMatch(/^MEND NAT nothing arrives at the relay's port of 20\.77\.0\.1:\d+: open the ports/);
    firewall(null);
  });
});

describe("/readyz", () => {
  it("says when the relay cannot be reached any more, and when it can again", async () => {
    const data = await mkdtemp(join(tmpdir(), "bellwire-"));
    closeLater(() => rm(data, { recursive: true, force: true }));
    const own = makeInternet();
    const listen = "127.0.0.1:8081";
    const server = await startServer({ wrapper: own.wrapper, data, listen, args: ["--turn-listen", RELAY] });
    const [command, ...words] = own.wrapper;
    const readiness = () =>
      JSON.parse(execFileSync(command, [...words, "curl", "-s", `${server.url}/readyz`], { encoding: "utf8" }));
    expect(readiness()).toEqual({ status: "ok", checks: { database: "ok", disk: "ok", relay: "ok" } });
    const address = (verb: string) =>
      execFileSync("ip", ["-n", own.name, "addr", verb, `${own.address}/24`, "dev", "br0"]);
    address("del");
    expect(readiness()).toEqual({
      status: "unavailable",
      checks: { database: "ok", disk: "ok", relay: "unavailable" },
    });
    address("add");
    expect(readiness().checks.relay).toBe("ok");
  });
});
