// /metrics as Prometheus sees it: promtool finds nothing to mend, Debian's prometheus scrapes it, every query of the
// alert rules and of the Grafana dashboard runs and names only what is there; and it costs little.
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { type Server, startServer } from "../lib/index.js";
import { closeLater } from "../lib/lifetime.js";
import { Program } from "../lib/process.js";

const deploy = (path: string) => fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url));
let server: Server;

beforeAll(async () => {
  server = await startServer({ lifetime: "file" });
  await server.channel("m", ["alice", "bob"]);
  const body = { channelId: "m", callType: "audio", participants: ["bob"] };
  const { id } = (await server.rest("alice").post("/api/calls", body)).body.call;
  await server.rest("bob").post(`/api/calls/${id}/join`);
  await server.rest("alice").post(`/api/calls/${id}/leave`);
});

const text = async () => (await fetch(`${server.url}/metrics`)).text();

it("promtool has nothing to say", async () => {
  const said = execFileSync("promtool", ["check", "metrics"], { input: await text(), encoding: "utf8" });
  expect(said).toBe("");
  execFileSync("promtool", ["check", "rules", deploy("prometheus/alerts.yml")]);
  execFileSync("promtool", ["test", "rules", fileURLToPath(new URL("alerts.yml", import.meta.url))]);
  execFileSync("promtool", ["check", "config", deploy("prometheus/prometheus.yml")]);
});

it("counts calls, by how they ended, without naming one", async () => {
  const metrics = await text();
  expect(metrics).toContain("bellwire_calls_started_total 1\n");
  expect(metrics).toContain("bellwire_calls_answered_total 1\n");
  expect(metrics).toContain('bellwire_calls_ended_total{reason="hangup"} 1\n');
  expect(metrics).toMatch(/bellwire_call_answer_seconds_bucket\{le="\+Inf"\} 1\n/);
  expect(metrics).toMatch(/bellwire_commit_seconds_count [3-9]/);
  expect(metrics).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}|alice/);
});

it("readiness names its parts", async () => {
  const { status, body } = await server.rest(null).get("/readyz");
  expect(status).toBe(200);
  expect(body).toEqual({ status: "ok", checks: { database: "ok", disk: "ok", relay: "ok" } });
});

describe("Debian's prometheus", () => {
  it("scrapes it, and every query of ours finds its metrics", async () => {
    const folder = await mkdtemp(join(tmpdir(), "bellwire-prometheus-"));
    closeLater(() => rm(folder, { recursive: true, force: true }));
    const config = (await readFile(deploy("prometheus/prometheus.yml"), "utf8"))
      .replace("127.0.0.1:8080", new URL(server.url).host)
      .replaceAll("15s", "1s")
      .replace("alerts.yml", deploy("prometheus/alerts.yml"));
    await writeFile(join(folder, "prometheus.yml"), config);
    const words = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
    const prometheus = new Program("prometheus", [...words, "--web.listen-address=127.0.0.1:0"], process.env);
    closeLater(() => prometheus.stop(10_000).then(() => {}));
    const address = await prometheus.until(
      () => /msg="Listening on" address=(\S+)/.exec(prometheus.output())?.[1],
      "its address",
    );
    const isReady = async () => (await fetch(`http://${address}/-/ready`)).ok;
    while (!(await isReady())) await new Promise((done) => setTimeout(done, 100));
    const query = async (expr: string) => {
      const answer = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(expr)}`);
      const { status, error, data } = (await answer.json()) as {
        status: string;
        error?: string;
        data?: { result: unknown[] };
      };
      if (status !== "success") throw new Error(`${expr}: ${error}`);
      return data?.result ?? [];
    };
    const until = Date.now() + 15_000;
    while ((await query('up{job="bellwire"} == 1')).length === 0 && Date.now() < until)
      await new Promise((done) => setTimeout(done, 200));
    expect(await query('up{job="bellwire"} == 1')).toHaveLength(1);

    const dashboard = JSON.parse(await readFile(deploy("grafana/bellwire.json"), "utf8"));
    const asked: string[] = dashboard.panels.flatMap((p: { targets: { expr: string }[] }) =>
      p.targets.map((t) => t.expr),
    );
    const rules = [...(await readFile(deploy("prometheus/alerts.yml"), "utf8")).matchAll(/expr: (.+)/g)].map(
      ([, e]) => e ?? "",
    );
    for (const expr of [...asked, ...rules].map((e) =>
      e.replaceAll("$instance", ".*").replaceAll("$__rate_interval", "1m"),
    )) {
      await query(expr);
      for (const [name] of expr.matchAll(/bellwire_\w+/g)) expect(await query(name), name).not.toHaveLength(0);
    }
  }, 60_000);
});
