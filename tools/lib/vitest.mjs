// Runs vitest in a folder and reads what came of it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { root, run, tail } from "./run.mjs";

const shortMessage = (text) => tail(text.split("\n").slice(0, 25).join("\n"), 25);

/** Reads vitest's JSON report: a file that could not be loaded, and a runner that did not report, are failures besides
 *  those of tests. */
function vitestCounts(result, file) {
  if (!existsSync(file)) return { passed: 0, failed: 1, failures: [], troubles: [tail(result.output)] };
  const data = JSON.parse(readFileSync(file, "utf8"));
  const troubles = [];
  const failures = [];
  let { numPassedTests: passed, numFailedTests: failed } = data;
  for (const suite of data.testResults) {
    if (suite.status === "failed" && !suite.assertionResults.some((test) => test.status === "failed")) {
      failed += 1;
      troubles.push(`  ${suite.name}: ${shortMessage(suite.message ?? "could not be run")}`);
    }
    for (const test of suite.assertionResults)
      if (test.status === "failed")
        failures.push({
          file: suite.name,
          path: [...test.ancestorTitles, test.title],
          why: shortMessage(test.failureMessages.join("\n")),
        });
  }
  if (passed + failed === 0 || (result.code !== 0 && failed === 0)) {
    failed += 1;
    troubles.push(tail(result.output));
  }
  return { passed, failed, failures, troubles };
}

const tellFailure = ({ file, path, why }) => `  ${[file, ...path].join(" › ")}\n    ${why}`;

/** A program that crashed is no accident of the surroundings. */
const isCrash = ({ why }) => /\bSIG(?!TERM\b|KILL\b)[A-Z]+|Sanitizer/.test(why);
/** Nor are more failures than these in a group. */
const ACCIDENTS_MOST = 3;

/**
 * Where others share the machine a test may fail by its surroundings: a browser that stalls, a fault that struck nothing by
 * chance. A few that failed are run once more, each by itself; resolves with those that pass then.
 */
async function accidents(failures, passesAlone) {
  const found = [];
  if (failures.length <= ACCIDENTS_MOST)
    for (const failure of failures) if (!isCrash(failure) && (await passesAlone(failure))) found.push(failure);
  return found;
}

const escapeRegExp = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** What tests chose to tell (lines that begin with "note: "), such as measured times. */
const notes = (output) =>
  (stripVTControlCharacters(output).match(/^note: .*$/gm) ?? []).map((line) => `  ${line.slice(6)}`).join("\n");

/** Calls back with each test file's line as it ends: its name, how many tests, how long. */
function filesTold(onFile) {
  let rest = "";
  return (text) => {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const told = /^ \S ((?:\S+\/)*\S+\.test\.tsx? \(\d+ tests?.*)$/.exec(stripVTControlCharacters(line));
      if (told) onFile(told[1]);
    }
  };
}

let runs = 0;

/**
 * @param {object} options
 * @param {string} options.folder below the project's root
 * @param {string[]} options.filters vitest's: of file names
 * @param {string} options.scratch a folder for reports
 * @param {boolean} [options.again] whether a few failed tests are run once more
 * @param {(line: string) => void} [options.onFile] told of each file's end, where it takes long until the last
 * @returns {Promise<{passed: number, failed: number, unsteady: number, trouble: string, told: string}>} `unsteady` of
 *   those that passed did so only when run again; `told` are the tests' notes
 */
export async function runVitest({ folder, filters, scratch, env = {}, timeoutMs, again = false, onFile }) {
  const file = join(scratch, `vitest-${++runs}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const onOutput = onFile && filesTold(onFile);
  const vitest = (...words) =>
    run("vitest", ["run", ...words, ...reporters], { cwd: join(root, folder), env, timeoutMs, onOutput });
  const result = await vitest(...filters);
  const { passed, failed, failures, troubles } = vitestCounts(result, file);
  const passesAlone = async (test) => {
    const alone = await vitest(test.file, "-t", `^${escapeRegExp(test.path.join(" > "))}$`);
    const counts = vitestCounts(alone, file);
    return counts.passed > 0 && counts.failed === 0;
  };
  const unsteady = again ? await accidents(failures, passesAlone) : [];
  return {
    passed: passed + unsteady.length,
    failed: failed - unsteady.length,
    unsteady: unsteady.length,
    trouble: [
      ...failures.filter((one) => !unsteady.includes(one)).map(tellFailure),
      ...troubles,
      ...unsteady.map((one) => `  passed only when run again:\n${tellFailure(one)}`),
    ].join("\n"),
    told: notes(result.stdout),
  };
}
