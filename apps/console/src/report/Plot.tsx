/** One plot over the time of a call: a line per direction, lines down for what happened, a cursor shared with the others. */
import { useEffect, useRef } from "react";
import uPlot from "uplot";
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
  theme: string;
}

const HEIGHT = 150;
const COLOURS = ["--plot-1", "--plot-2"];

/** A canvas knows neither variables nor light-dark(): the page itself says what a colour comes to. */
function colour(name: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** All lines over one axis of time. */
function align(lines: Line[]): uPlot.AlignedData {
  if (lines.length === 0) return [[]];
  return uPlot.join(lines.map(({ t, values }) => [t, values]));
}

function drawMarks(u: uPlot, marks: readonly number[], limit: number | undefined): void {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  ctx.strokeStyle = colour("--bw-line-strong");
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
    ctx.strokeStyle = colour("--bw-danger");
    ctx.beginPath();
    ctx.moveTo(bbox.left, u.valToPos(limit, "y", true));
    ctx.lineTo(bbox.left + bbox.width, u.valToPos(limit, "y", true));
    ctx.stroke();
  }
  ctx.restore();
}

/** `latest`: what is drawn may change after the plot was made. */
function optionsOf(latest: { current: PlotProps }, width: number): uPlot.Options {
  const { title, unit, limit, lines } = latest.current;
  const grid = { stroke: colour("--bw-line"), width: 1 };
  const axis = { stroke: colour("--bw-text-2"), grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
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
      { ...axis, values: (_u, ticks) => ticks.map(clock) },
      { ...axis, size: 54 },
    ],
    series: [
      { label: "Time", value: (_u, at) => (at == null ? "–" : clock(at)) },
      ...lines.map(({ label }, i) => ({
        label,
        stroke: colour(COLOURS[i] ?? "--plot-1"),
        width: 1.75,
        spanGaps: true,
        value: (_u: uPlot, value: number | null) => (value == null ? "–" : `${Number(value.toFixed(1))} ${unit}`),
      })),
    ],
    hooks: {
      drawClear: [(u) => drawMarks(u, latest.current.marks, limit)],
      ready: [() => performance.mark(`plot ${title}`)],
    },
  };
}

export function Plot(props: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const { title, unit, lines, theme } = props;
  // What a call that still runs adds is drawn into the plot that is there: the cursor stays.
  const latest = useRef(props);
  latest.current = props;
  const labels = lines.map(({ label }) => label).join("\n");
  useEffect(() => {
    const element = place.current;
    if (!element || !theme || !labels) return;
    const made = new uPlot(optionsOf(latest, element.clientWidth), align(latest.current.lines), element);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [theme, labels]);
  useEffect(() => plot.current?.setData(align(lines)), [lines]);
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
