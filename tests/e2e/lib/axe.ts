// Pages held against WCAG 2.2 AA, as far as axe can tell.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds wrong in a page and its frames, a line each. */
export async function violations(page: Page, except: string[] = []): Promise<string[]> {
  for (const frame of page.frames()) await frame.evaluate(source);
  const rules = Object.fromEntries(except.map((rule) => [rule, { enabled: false }]));
  const options = { runOnly: TAGS, rules, resultTypes: ["violations"] };
  const found = await page.evaluate(async (options) => {
    const { axe } = window as unknown as { axe: { run: (context: Document, options: unknown) => Promise<AxeResults> } };
    return axe.run(document, options);
  }, options);
  return found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" | ")}`);
}

/** Names of the controls that are not whole within the width of the window. */
export const sticksOut = (place: Pick<Page, "evaluate">, controls = "button, a, figure"): Promise<(string | null)[]> =>
  place.evaluate(
    (controls) =>
      [...document.querySelectorAll(controls)]
        .filter((element) => element.checkVisibility())
        .filter((element) => {
          const { left, right } = element.getBoundingClientRect();
          return left < 0 || right > window.innerWidth;
        })
        .map((element) => element.getAttribute("aria-label") ?? element.textContent),
    controls,
  );

/** By how much the page is wider than its window, in pixels. */
export const sidewaysBy = (place: Pick<Page, "evaluate">): Promise<number> =>
  place.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
