/** The plots of one connection, both directions in each. */
import { useEffect, useMemo, useState } from "react";
import { useTheme } from "../useTheme.js";
import type { Connection, Direction } from "./model.js";
import { type Line, Plot } from "./Plot.js";

const larger = (a: (number | null)[] | undefined, b: (number | null)[] | undefined) => {
  if (!a || !b) return a ?? b ?? [];
  return a.map((value, i) => (value === null ? (b[i] ?? null) : Math.max(value, b[i] ?? 0)));
};
const sum = (a: (number | null)[] | undefined, b: (number | null)[] | undefined) => {
  if (!a || !b) return a ?? b ?? [];
  return a.map((value, i) => (value === null && b[i] == null ? null : (value ?? 0) + (b[i] ?? 0)));
};
const tenth = (values: (number | null)[]) => values.map((value) => (value === null ? null : value / 10));

type Pick = (columns: Direction["received"]["columns"]) => (number | null)[];
const PLOTS: { title: string; unit: string; limit?: number; pick: Pick }[] = [
  { title: "Round trip", unit: "ms", limit: 400, pick: (c) => c.rtt ?? [] },
  { title: "Loss", unit: "%", limit: 3, pick: (c) => tenth(larger(c.inAudioLoss, c.inVideoLoss)) },
  { title: "Jitter", unit: "ms", limit: 40, pick: (c) => c.inAudioJitter ?? c.inVideoJitter ?? [] },
  { title: "Bit rate", unit: "kbit/s", pick: (c) => sum(c.inAudioKbps, c.inVideoKbps) },
  { title: "Frame rate", unit: "frames/s", pick: (c) => c.inFps ?? [] },
];

function linesOf(connection: Connection, pick: Pick): Line[] {
  return connection.directions
    .map(({ fromName, toName, received }) => ({
      label: `${fromName} → ${toName}`,
      t: received.t,
      values: pick(received.columns),
    }))
    .filter(({ values }) => values.length > 0);
}

/** How many of the plots are drawn by now: the first at once, one more each time after the screen was painted. */
function useTurns(n: number): number {
  const [due, setDue] = useState(1);
  useEffect(() => {
    if (due >= n) return;
    let later = 0;
    const frame = requestAnimationFrame(() => {
      later = window.setTimeout(() => setDue(due + 1));
    });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(later);
    };
  }, [due, n]);
  return due;
}

export function Plots({
  connection,
  length,
  marks,
}: {
  connection: Connection;
  length: number;
  marks: readonly number[];
}) {
  const { theme } = useTheme();
  const plots = useMemo(
    () =>
      PLOTS.map(({ pick, ...plot }) => ({ ...plot, lines: linesOf(connection, pick) })).filter(
        ({ lines }) => lines.length > 0,
      ),
    [connection],
  );
  const due = useTurns(plots.length);
  return (
    <div className="plots">
      {plots.map((plot, i) => (
        <Plot key={plot.title} {...plot} length={length} marks={marks} theme={theme} waits={i >= due} />
      ))}
    </div>
  );
}
