/** Calls and their quality over time: a bar for each span, its parts the four levels. */
import type { Overview } from "../api.js";
import { shortTime } from "./time.js";

const LEVELS = ["excellent", "good", "fair", "poor"] as const;
const DAY_MS = 86_400_000;

/** A moment among so many milliseconds: over days the date counts. */
function label(at: string, whole: number): string {
  const date = new Date(at);
  return whole > 1.5 * DAY_MS
    ? date.toLocaleDateString(undefined, { day: "numeric", month: "short" })
    : date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
}

function Span({ span, most }: { span: Overview["spans"][number]; most: number }) {
  const all = LEVELS.reduce((sum, level) => sum + span.levels[level], 0);
  const missed = span.calls - span.answered;
  const parts =
    all > 0 ? LEVELS.map((level) => `${Math.round((100 * span.levels[level]) / all)} % ${level}`) : ["not measured"];
  const title = `${shortTime(span.at)}: ${span.calls} calls, ${missed} not answered; ${parts.join(", ")}`;
  return (
    <li title={title}>
      <span className="bw-visually-hidden">{title}</span>
      <span className="bar" style={{ height: `${most > 0 ? (100 * span.calls) / most : 0}%` }} aria-hidden="true">
        {all > 0 ? (
          LEVELS.map((level) => (
            <span key={level} className={`level level--${level}`} style={{ flexGrow: span.levels[level] }} />
          ))
        ) : (
          <span className="level level--none" style={{ flexGrow: 1 }} />
        )}
      </span>
    </li>
  );
}

export function Bars({ spans, step }: { spans: Overview["spans"]; step: number }) {
  const most = Math.max(...spans.map((one) => one.calls), 0);
  const [first, middle, last] = [spans[0], spans[Math.floor(spans.length / 2)], spans.at(-1)];
  return (
    <div className="bars-place">
      <p className="hint">
        {most > 0
          ? `Calls that began, at most ${most} in one bar; colours are the quality that was measured in them.`
          : "No calls in this time."}
      </p>
      <ol className="bars">
        {spans.map((span) => (
          <Span key={span.at} span={span} most={most} />
        ))}
      </ol>
      <div className="bars-axis" aria-hidden="true">
        {[first, middle, last].map((span, i) => (
          <span key={span?.at ?? i}>{span && label(span.at, step * spans.length)}</span>
        ))}
      </div>
      <ul className="legend">
        {LEVELS.map((level) => (
          <li key={level}>
            <span className={`swatch level--${level}`} /> {level}
          </li>
        ))}
        <li>
          <span className="swatch level--none" /> not measured
        </li>
      </ul>
    </div>
  );
}
