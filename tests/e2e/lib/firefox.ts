// Debian's Firefox inside a namespace, with a fake camera and microphone, driven over WebDriver BiDi.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "puppeteer-core";
import { closeLater } from "../../lib/lifetime.js";
import { Program } from "../../lib/process.js";
import { startLoudspeaker } from "./loudspeaker.js";
import type { Namespace } from "./namespace.js";
import { watchPeers } from "./peers.js";

export type FirefoxPage = Page;

export interface FirefoxOptions {
  /** File with the certificate of an authority that it trusts, in PEM. */
  authority?: string;
  /** The address of every name. */
  everyName?: string;
  /** It has somewhere to play to, and so can mix sounds. */
  hasSound?: boolean;
  lifetime?: "test" | "file";
}

const startMs = 60_000;

const preferences: Record<string, boolean | number | string> = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.autoplay.default": 0,
  // Camera and microphone also at an address that is no localhost.
  "media.devices.insecure.enabled": true,
  "media.getusermedia.insecure.enabled": true,
  "media.gmp-manager.updateEnabled": false,
  // Host candidates as addresses: there is nobody here who could resolve an mDNS name.
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  "app.update.disabledForTesting": true,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.page": 0,
  // What the server answers in JSON is a page of its origin, not one of the browser's own.
  "devtools.jsonview.enabled": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "extensions.update.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,#remote-settings-dummy/v1",
  "toolkit.telemetry.server": "",
};

async function makeProfile({ authority, everyName, lifetime = "file" }: FirefoxOptions): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bellwire-firefox-"));
  closeLater(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }), lifetime);
  const own = everyName ? { ...preferences, "network.dns.forceResolve": everyName } : preferences;
  const lines = Object.entries(own).map(([key, value]) => `user_pref("${key}", ${JSON.stringify(value)});\n`);
  await writeFile(join(folder, "user.js"), lines.join(""));
  if (authority) {
    const store = ["-d", `sql:${folder}`];
    execFileSync("certutil", ["-N", "--empty-password", ...store]);
    execFileSync("certutil", ["-A", "-n", "authority", "-t", "C,,", "-i", authority, ...store]);
  }
  return folder;
}

/** Firefox takes its driver on 127.0.0.1 only, that of the namespace, and only under that name; this takes it at a
 *  socket in the file system, which is there whatever becomes of the namespace's network. */
async function openDoor(namespace: Namespace, port: number, path: string, lifetime: "test" | "file"): Promise<void> {
  const script = `
    const net = require("node:net");
    const door = net.createServer((outer) => {
      const inner = net.connect(${port}, "127.0.0.1");
      for (const socket of [outer, inner]) socket.on("error", () => outer.destroy() && inner.destroy());
      outer.once("data", (head) => {
        inner.write(head.toString("latin1").replace(/^host: .*$/im, "Host: 127.0.0.1:${port}"), "latin1");
        outer.pipe(inner).pipe(outer);
      });
    });
    door.listen("${path}", () => console.log("open"));`;
  const [command, ...words] = namespace.wrapper;
  const door = new Program(command, [...words, process.execPath, "-e", script]);
  closeLater(() => door.stop(), lifetime);
  await door.until(() => door.stdout.includes("open") || undefined, "open door");
}

/** A fresh Firefox. */
export async function startFirefox(namespace: Namespace, options: FirefoxOptions = {}): Promise<Browser> {
  const { lifetime = "file" } = options;
  const profile = await makeProfile(options);
  const [command, ...words] = namespace.wrapper;
  const own = ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0"];
  const sound = options.hasSound ? { PULSE_SERVER: await startLoudspeaker(lifetime) } : {};
  const program = new Program(command, [...words, "/usr/bin/firefox-esr", ...own], {
    ...process.env,
    ...sound,
    HOME: profile,
    MOZ_CRASHREPORTER_DISABLE: "1",
  });
  closeLater(() => program.stop(), lifetime);
  const listening = () => /BiDi listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(program.stderr)?.[1];
  const port = Number(await program.until(listening, "Firefox's BiDi port", startMs));
  const door = join(profile, "driver");
  await openDoor(namespace, port, door, lifetime);

  // Loaded here, so that tests without Firefox need not load it at all.
  const { default: puppeteer } = await import("puppeteer-core");
  const browserWSEndpoint = `ws+unix:${door}:/session`;
  const browser = await puppeteer.connect({ browserWSEndpoint, protocol: "webDriverBiDi", acceptInsecureCerts: true });
  closeLater(() => browser.disconnect(), lifetime);
  return browser;
}

/** A page whose connections are watched as Chromium's are; in a window of its own, for a tab behind another is slowed
 *  down. */
export async function newFirefoxPage(browser: Browser, smallVideo = false): Promise<FirefoxPage> {
  const page = await browser.newPage({ type: "window" });
  await page.evaluateOnNewDocument(watchPeers, { relayOnly: false, smallVideo });
  return page;
}

/** A page of a fresh Firefox. */
export async function launchFirefox(namespace: Namespace, options: FirefoxOptions = {}): Promise<FirefoxPage> {
  return newFirefoxPage(await startFirefox(namespace, options));
}
