// `make test`: runs every group of tests, tells one line per group, and ends with the line "N passed, N failed".
// Arguments choose groups: none = all but e2e (of that, the two calls of tests/e2e/call.test.ts), or `e2e`, `faults`,
// `soak`, `tsan`, `recordings` (of faults, those of uploads), `c`, `packages`, `system`, `postgres`.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { Postgres } from "./lib/postgres.mjs";
import { buildAll, cores, inParallel, meson, root, run, seconds, tail } from "./lib/run.mjs";
import { runVitest } from "./lib/vitest.mjs";

const total = { passed: 0, failed: 0 };
const scratch = mkdtempSync(join(tmpdir(), "bellwire-test-"));

/** Tells a group's outcome and adds it up; what went wrong is shown in full. */
function report(name, startedAt, { passed, failed, unsteady = 0, trouble = "" }) {
  total.passed += passed;
  total.failed += failed;
  const again = unsteady ? ` (${unsteady} only when run again)` : "";
  const sums = `${passed} passed${again}${failed ? `, ${failed} FAILED` : ""}`;
  console.log(`${name.padEnd(24)} ${sums} (${seconds(startedAt)})`);
  if (trouble) console.log(`${trouble.trimEnd()}\n`);
}

/** A result that says: this runner did not get as far as counting. */
const broken = (trouble) => ({ passed: 0, failed: 1, trouble });

const unescapeXml = (text) =>
  text
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&amp;/g, "&");

/** Reads the counts out of cmocka's XML; a crash or an empty report is a failure of its own. */
function cmockaCounts(name, result) {
  let passed = 0;
  let failed = 0;
  const troubles = [];
  for (const [, attributes] of result.output.matchAll(/<testsuite ([^>]*)>/g)) {
    const count = (key) => Number(new RegExp(`${key}="(\\d+)"`).exec(attributes)?.[1] ?? 0);
    failed += count("failures") + count("errors");
    passed += count("tests") - count("failures") - count("errors") - count("skipped");
  }
  for (const [, test, why] of result.output.matchAll(
    /<testcase name="([^"]*)"[^>]*>\s*<(?:failure|error)>(?:<!\[CDATA\[)?([\s\S]*?)(?:\]\]>)?<\/(?:failure|error)>/g,
  ))
    troubles.push(`  ${test}: ${unescapeXml(why).trim()}`);
  if (passed + failed === 0 || (result.code !== 0 && failed === 0)) {
    failed += 1;
    troubles.push(`  ended with ${result.signal ?? result.code}\n${tail(result.output)}`);
  }
  return { passed, failed, trouble: troubles.length ? `${name}:\n${troubles.join("\n")}\n` : "" };
}

/** A test program that is not cmocka's (the replay of a corpus): one test, told by its exit code. */
const exitCounts = (name, result) =>
  result.code === 0 ? { passed: 1, failed: 0, trouble: "" } : broken(`${name}:\n${tail(result.output)}\n`);

/** The tests that meson knows in a build folder, without the long ones. */
async function testsIn(folder) {
  const listed = await run("meson", ["introspect", "--tests", folder]);
  return JSON.parse(listed.stdout).filter((test) => !test.suite.some((suite) => suite.endsWith("soak")));
}

const inSuite = (test, suite) => test.suite.some((name) => name === suite || name.endsWith(`:${suite}`));

async function runMesonTest(test) {
  const isFuzz = inSuite(test, "fuzz");
  const [command, ...args] = test.cmd;
  const result = await run(command, args, {
    cwd: test.workdir ?? root,
    timeoutMs: Math.max(test.timeout, 30) * 4000,
    env: {
      ...test.env,
      CMOCKA_MESSAGE_OUTPUT: "xml",
      UBSAN_OPTIONS: "halt_on_error=1:print_stacktrace=1",
      ASAN_OPTIONS: "detect_leaks=1:abort_on_error=0",
    },
  });
  return (isFuzz ? exitCounts : cmockaCounts)(test.name, result);
}

const add = (list) => ({
  passed: list.reduce((sum, one) => sum + one.passed, 0),
  failed: list.reduce((sum, one) => sum + one.failed, 0),
  trouble: list.map((one) => one.trouble).join(""),
});

/** Builds one flavour of the C code and runs its unit tests and the replay of the fuzz corpora. */
async function cGroup(flavour, folder, build) {
  const startedAt = Date.now();
  const built = await meson(folder, build);
  if (built.code !== 0) return report(`C, ${flavour}`, startedAt, broken(tail(built.output)));
  const tests = await testsIn(folder);
  for (const [suite, title] of [
    [false, `C, ${flavour}`],
    [true, `corpora, ${flavour}`],
  ]) {
    const chosen = tests.filter((test) => inSuite(test, "fuzz") === suite);
    if (chosen.length === 0 && suite) continue;
    const at = suite ? Date.now() : startedAt;
    report(
      title,
      at,
      chosen.length ? add(await inParallel(chosen.map((test) => () => runMesonTest(test)))) : broken("no tests"),
    );
  }
}

/** The store's unit tests that know no file, once more over PostgreSQL. */
async function postgresGroup() {
  const startedAt = Date.now();
  const names = ["commit", "people", "history", "flight", "recordings", "outbox"].map((name) => `store_${name}`);
  const server = await Postgres.start({ settings: { fsync: "off" } });
  process.env.BELLWIRE_TEST_POSTGRES = server.url();
  try {
    const chosen = (await testsIn("build")).filter((test) => names.includes(test.name));
    report("C, PostgreSQL", startedAt, add(await inParallel(chosen.map((test) => () => runMesonTest(test)))));
  } finally {
    delete process.env.BELLWIRE_TEST_POSTGRES;
    await server.stop();
  }
}

async function cTests() {
  await cGroup("gcc", "build", {});
  await postgresGroup();
  await cGroup("clang + sanitizers", "build-asan", {
    cc: "clang",
    options: ["-Db_sanitize=address,undefined", "-Db_lundef=false"],
  });
}

/** A group of vitest's; resolves with what its tests chose to tell. */
async function vitestGroup(name, folder, filters = [], options = {}) {
  const startedAt = Date.now();
  const { told, ...counts } = await runVitest({ folder, filters, scratch, ...options });
  report(name, startedAt, counts);
  if (told) console.log(told);
  return told;
}

/** True when the folder holds a test, at any depth. */
function hasTests(folder, pattern = /\.(test|spec)\.tsx?$/) {
  const path = join(root, folder);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
  return readdirSync(path, { recursive: true }).some((file) => pattern.test(file) && !/node_modules|dist/.test(file));
}

async function packageTests() {
  for (const parent of ["packages", "apps"])
    for (const name of readdirSync(join(root, parent)))
      if (hasTests(`${parent}/${name}`)) await vitestGroup(`${parent}/${name}`, `${parent}/${name}`);
}

const notSystem = new Set(["e2e", "lib", "node_modules"]);

/** Builds what the system tests drive; false (and a counted failure) when that cannot be done. */
async function buildForTests() {
  const startedAt = Date.now();
  const built = await buildAll();
  if (built.code === 0) return true;
  report("build", startedAt, broken(tail(built.output)));
  return false;
}

async function systemTests() {
  for (const entry of readdirSync(join(root, "tests"), { withFileTypes: true }))
    if (entry.isDirectory() && !notSystem.has(entry.name) && hasTests(`tests/${entry.name}`))
      await vitestGroup(`tests/${entry.name}`, "tests", [`${entry.name}/`], { again: true });
  if (hasTests("tests/lib")) await vitestGroup("tests/lib", "tests", ["lib/"]);
  await postgresTests(postgresShort, true);
}

/** The same tests over PostgreSQL: some of them in `make test`, all that drive a server's data in `make faults`. */
const postgresTests = (filters, again = false) =>
  vitestGroup("tests, PostgreSQL", "tests", filters, {
    env: { BELLWIRE_TEST_DB: "postgres" },
    timeoutMs: 3600_000,
    again,
  });
const postgresShort = ["api/calls", "api/history", "api/host", "recording/upload", "recording/play"];
const postgresLong = ["api/", "signal/", "http/", "store/", "recording/"];

const browserTests = (filter) =>
  vitestGroup("tests/e2e", "tests", [filter], {
    timeoutMs: 3600_000,
    again: true,
    onFile: (line) => console.log(`  ${line}`),
  });

/** Where and on what a long run was made: the lines that each kept result begins with. */
async function circumstances(startedAt) {
  const commit = (await run("git", ["rev-parse", "--short", "HEAD"])).stdout.trim();
  return [
    `- commit ${commit}, ${new Date(startedAt).toISOString().slice(0, 10)}, ${seconds(startedAt)}`,
    `- ${cores} cores, ${Math.round(totalmem() / 2 ** 30)} GiB of memory, Linux ${release()}, Node ${process.version}`,
  ];
}

/** Keeps what came of a long run in bench/results. */
async function keep(file, title, startedAt, lines) {
  const page = [`# ${title}\n`, ...(await circumstances(startedAt)), ...lines];
  mkdirSync(join(root, "bench/results"), { recursive: true });
  writeFileSync(join(root, "bench/results", file), `${page.join("\n")}\n`);
}

/** Tests whose meson suite is `soak`: they run as long as SOAK_SECONDS says, with new seeds. */
async function soakTests() {
  const startedAt = Date.now();
  const built = await meson("build");
  if (built.code !== 0) return report("soak", startedAt, broken(tail(built.output)));
  const listed = await run("meson", ["introspect", "--tests", "build"]);
  const chosen = JSON.parse(listed.stdout).filter((test) => inSuite(test, "soak"));
  const env = { SOAK_SECONDS: process.env.SOAK_SECONDS ?? "600" };
  const told = [];
  const results = chosen.map((test) => async () => {
    const [command, ...args] = test.cmd;
    const limit = (Number(env.SOAK_SECONDS) + 120) * 1000;
    const result = await run(command, args, { env: { ...env, CMOCKA_MESSAGE_OUTPUT: "xml" }, timeoutMs: limit });
    told.push(`- ${test.name}: ${result.stdout.trim().split("\n").at(-1)}`);
    return cmockaCounts(test.name, result);
  });
  report("soak", startedAt, chosen.length ? add(await inParallel(results)) : broken("no tests"));
  console.log(told.join("\n"));
  await keep("soak.md", "The last run of `make soak`", startedAt, told);
}

/** The long runs of tests/ledger, with a seed that is told; what came of them is kept in bench/results/faults.md. */
async function faultTests() {
  const startedAt = Date.now();
  const env = {
    LEDGER_CYCLES: process.env.LEDGER_CYCLES ?? "1000",
    LEDGER_SEED: process.env.LEDGER_SEED ?? String(startedAt % 1_000_000),
  };
  console.log(`faults: LEDGER_CYCLES=${env.LEDGER_CYCLES} LEDGER_SEED=${env.LEDGER_SEED}`);
  const before = { ...total };
  const told = await vitestGroup("tests/ledger", "tests", ["ledger/"], { env, timeoutMs: 4 * 3600_000 });
  await keep("faults.md", "The last run of `make faults`", startedAt, [
    `- seed ${env.LEDGER_SEED}, ${env.LEDGER_CYCLES} ends by kill -9`,
    `- ${total.passed - before.passed} tests passed, ${total.failed - before.failed} failed\n`,
    ...(told ?? "").split("\n").map((line) => `- ${line.trim()}`),
  ]);
}

/**
 * TSan also follows descriptors by their numbers. libuv closes sockets, and files are opened beneath a folder, by system
 * calls that it does not see: a number used again is to it still the loop's socket, in the hands of the pool.
 */
const isReusedNumber = (report) =>
  /Location is file descriptor \d+ created by main thread at:\s+#0 accept4/.test(report) &&
  /^ {2}(Read|Write) of size 8 .* by thread T\d+:\n {4}#0 \w+ .*\n {4}#1 \w+ \S*server\/src\/(recording|http\/files)/m.test(
    report,
  );

/** The reports of one run of the server, in the order in which they were made. */
const raceReports = (text) => text.split("==================").filter((part) => part.includes("WARNING: "));

/** System tests against a server built with ThreadSanitizer: any report of it is a failure. */
async function raceTests() {
  const startedAt = Date.now();
  const built = await meson("build-tsan", {
    cc: "clang",
    options: ["-Db_sanitize=thread", "-Db_lundef=false"],
    targets: ["bellwire", "server/tests/unit/fetch/fetch_once"],
  });
  if (built.code !== 0) return report("TSan build", startedAt, broken(tail(built.output)));
  const reports = join(scratch, "tsan");
  const env = {
    BELLWIRE_BINARY: join(root, "build-tsan/bellwire"),
    BELLWIRE_SANITIZED: "1",
    TSAN_OPTIONS: `log_path=${reports} second_deadlock_stack=1 exitcode=0`, // what it reports is judged below
  };
  const timeoutMs = 1_800_000;
  for (const folder of ["http", "signal", "api", "store", "fetch", "webhook", "recording", "turn"])
    await vitestGroup(`tests/${folder}, TSan`, "tests", [`${folder}/`], { env, timeoutMs });
  const lanes = { ...env, BELLWIRE_TEST_DB: "postgres" };
  await vitestGroup("tests, PostgreSQL, TSan", "tests", [...postgresShort, "webhook/"], { env: lanes, timeoutMs });
  const files = readdirSync(scratch).filter((file) => file.startsWith("tsan."));
  const all = files.flatMap((file) => raceReports(readFileSync(join(scratch, file), "utf8")));
  const found = all.filter((one) => !isReusedNumber(one));
  console.log(`  ${all.length - found.length} reports were of a descriptor's number used again`);
  const trouble = found.join("\n");
  report("TSan reports", startedAt, { passed: found.length ? 0 : 1, failed: found.length, trouble });
}

/** Uploads through a network that cuts, and kill -9 amid them, many times; kept in bench/results/recording-faults.md. */
async function recordingFaults() {
  const startedAt = Date.now();
  const env = {
    BELLWIRE_UPLOADS: process.env.BELLWIRE_UPLOADS ?? "1000",
    BELLWIRE_KILLS: process.env.BELLWIRE_KILLS ?? "50",
    BELLWIRE_SEED: process.env.BELLWIRE_SEED ?? String(startedAt % 1_000_000),
  };
  const before = { ...total };
  const files = ["recording/clients", "recording/crash"];
  const told = await vitestGroup("tests/recording", "tests", files, { env, timeoutMs: 3600_000 });
  await keep("recording-faults.md", "Uploads that are cut and killed, in the last run of `make faults`", startedAt, [
    `- seed ${env.BELLWIRE_SEED}`,
    `- ${total.passed - before.passed} tests passed, ${total.failed - before.failed} failed\n`,
    ...(told ?? "").split("\n").map((line) => `- ${line.trim()}`),
  ]);
}

const groups = {
  c: cTests,
  packages: packageTests,
  system: async () => (await buildForTests()) && (await systemTests()),
  e2e: async () => (await buildForTests()) && (await browserTests("e2e/")),
  calls: async () => (await buildForTests()) && (await browserTests("e2e/call.test.ts")),
  faults: async () => {
    if (!(await buildForTests())) return;
    await postgresTests(postgresLong);
    await faultTests();
    await recordingFaults();
  },
  recordings: async () => (await buildForTests()) && (await recordingFaults()),
  postgres: async () => {
    if (!(await buildForTests())) return;
    await postgresGroup();
    await postgresTests(postgresLong);
  },
  soak: soakTests,
  tsan: raceTests,
};

const chosen = process.argv.slice(2);
for (const name of chosen)
  if (!groups[name]) {
    console.error(`test: no group ${name}; there are ${Object.keys(groups).join(", ")}`);
    process.exit(2);
  }
const startedAt = Date.now();
try {
  for (const name of chosen.length ? chosen : ["c", "packages", "system", "calls"]) await groups[name]();
} catch (error) {
  report("test runner", startedAt, broken(error.stack));
}
rmSync(scratch, { recursive: true, force: true });
console.log(`took ${seconds(startedAt)}`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed || !total.passed ? 1 : 0);
