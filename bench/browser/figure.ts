// A figure is a line that begins with "figure: "; bench/browser.bench.mjs collects them.

export function figure(what: string, value: string, goal = ""): void {
  process.stdout.write(`figure: ${JSON.stringify({ what, value, goal })}\n`);
}

const sorted = (values: number[]) => [...values].sort((a, b) => a - b);

export const median = (values: number[]): number => sorted(values)[Math.floor(values.length / 2)] ?? Number.NaN;

/** "230 ms (190 to 410, 15 calls)" */
export function spread(values: number[]): string {
  const [least = Number.NaN, ...rest] = sorted(values).map(Math.round);
  return `${Math.round(median(values))} ms (${least} to ${rest.at(-1) ?? least}, ${values.length} times)`;
}
