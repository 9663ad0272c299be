/** One plot over the time of a call: a line per direction, lines down for what happened, a cursor shared with the others. */
import { useEffect, useLayoutEffect, useRef } from "react";
import uPlot from "uplot";
import type { Theme } from "../theme.js";
import { clock } from "./model.js";

export interface Line {
  label: string;
  t: number[];
  values: (number | null)[];
}

export interface PlotProps {
  title: string;
  unit: string;
  /** Beyond this it is bad: a line across. */
  limit?: number;
  lines: Line[];
  length: number;
  marks: readonly number[];
  theme: Theme;
  /** Its turn to be drawn has not come. */
  waits?: boolean;
}

const HEIGHT = 150;
/** Seconds between two times on the axis: as clocks are read. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];
const NAMES = ["--plot-1", "--plot-2", "--bw-line", "--bw-line-strong", "--bw-text-2", "--bw-danger"] as const;
type Colours = Record<(typeof NAMES)[number], string>;
const known = new Map<Theme, Colours>();

/** A canvas knows neither variables nor light-dark(): the page itself says what colours come to. */
function coloursOf(theme: Theme): Colours {
  const probe = document.createElement("i");
  document.body.append(probe);
  const read = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = known.get(theme) ?? (Object.fromEntries(NAMES.map((name) => [name, read(name)])) as Colours);
  probe.remove();
  known.set(theme, colours);
  return colours;
}

/** All lines over one axis of time. */
function align(lines: Line[]): uPlot.AlignedData {
  if (lines.length === 0) return [[]];
  return uPlot.join(lines.map(({ t, values }) => [t, values]));
}

function drawMarks(u: uPlot, { marks, limit, theme }: PlotProps): void {
  const colours = coloursOf(theme);
  const { ctx, bbox } = u;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  ctx.strokeStyle = colours["--bw-line-strong"];
  ctx.globalAlpha = 0.45;
  ctx.setLineDash([2, 4]);
  ctx.beginPath();
  for (const mark of marks) {
    const x = u.valToPos(mark, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
  }
  ctx.stroke();
  if (limit !== undefined && limit <= (u.scales.y?.max ?? 0)) {
    ctx.strokeStyle = colours["--bw-danger"];
    ctx.globalAlpha = 0.85;
    ctx.setLineDash([6, 4]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, u.valToPos(limit, "y", true));
    ctx.lineTo(bbox.left + bbox.width, u.valToPos(limit, "y", true));
    ctx.stroke();
  }
  ctx.restore();
}

/** For figures: when a picture of it was on the screen. */
function markShown(title: string): void {
  requestAnimationFrame(() => setTimeout(() => performance.mark(`plot ${title}`)));
}

/** `latest`: what is drawn may change after the plot was made. */
function optionsOf(latest: { current: PlotProps }, width: number): uPlot.Options {
  const { title, unit, limit, lines, theme } = latest.current;
  const colours = coloursOf(theme);
  const strokes = [colours["--plot-1"], colours["--plot-2"]];
  const grid = { stroke: colours["--bw-line"], width: 1 };
  const axis = { stroke: colours["--bw-text-2"], grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  return {
    width,
    height: HEIGHT,
    cursor: { sync: { key: "call" }, points: { size: 7 } },
    legend: { live: true },
    scales: {
      x: { time: false, range: () => [0, latest.current.length] },
      y: { range: (_u, _min, max) => [0, Math.max(max * 1.1, limit ? limit * 0.6 : 1)] },
    },
    axes: [
      { ...axis, size: 28, space: 44, incrs: STEPS, values: (_u, ticks) => ticks.map(clock) },
      { ...axis, size: 54 },
    ],
    series: [
      { label: "Time", value: (_u, at) => (at == null ? "–" : clock(at)) },
      ...lines.map(({ label }, i) => ({
        label,
        stroke: strokes[i] ?? colours["--plot-1"],
        width: 1.75,
        spanGaps: true,
        value: (_u: uPlot, value: number | null) => (value == null ? "–" : `${Number(value.toFixed(1))} ${unit}`),
      })),
    ],
    hooks: {
      drawClear: [(u) => drawMarks(u, latest.current)],
      ready: [() => markShown(title)],
    },
  };
}

export function Plot(props: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<{ made: uPlot; lines: Line[] } | null>(null);
  const { title, unit, lines, theme, waits = false } = props;
  // What a call that still runs adds is drawn into the plot that is there: the cursor stays.
  const latest = useRef(props);
  latest.current = props;
  const labels = lines.map(({ label }) => label).join("\n");
  useLayoutEffect(() => {
    const element = place.current;
    if (!element || waits || !theme || !labels) return;
    const drawn = latest.current.lines;
    const made = new uPlot(optionsOf(latest, element.clientWidth), align(drawn), element);
    plot.current = { made, lines: drawn };
    const watch = new ResizeObserver(() => {
      if (made.width !== element.clientWidth) made.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [theme, labels, waits]);
  useEffect(() => {
    if (!plot.current || plot.current.lines === lines) return;
    plot.current.lines = lines;
    plot.current.made.setData(align(lines));
  }, [lines]);
  const peak = lines.map(
    ({ label, values }) => `${label}: at most ${Math.max(0, ...values.map((v) => v ?? 0)).toFixed(0)} ${unit}`,
  );
  return (
    <figure className="plot">
      <figcaption>
        {title} <span>({unit})</span>
      </figcaption>
      <div ref={place} className="plot-place" role="img" aria-label={`${title}. ${peak.join("; ")}`} />
    </figure>
  );
}
