/** How good a connection is: four bars, and the word for it. */
import type { ConnectionPath, Hint, Quality } from "@bellwire/client";
import { useTexts } from "./texts.js";

export interface QualityBadgeProps {
  /** null: not measured yet, nothing is shown. */
  quality: Quality | null;
  /** How media travels: a tooltip tells it. */
  path?: ConnectionPath | null;
  /** What could be done: the tooltip's last sentence. */
  hint?: Hint | null;
  /** Shows the word beside the bars; without it it is only read out. */
  isWordShown?: boolean;
}

const BARS: Record<Quality, number> = { poor: 1, fair: 2, good: 3, excellent: 4 };

function Bars({ lit }: { lit: number }) {
  return (
    <svg className="bw-quality__bars" viewBox="0 0 16 14" aria-hidden="true" focusable="false">
      {[1, 2, 3, 4].map((bar) => (
        <rect
          key={bar}
          className={bar <= lit ? "bw-quality__bar bw-quality__bar--lit" : "bw-quality__bar"}
          x={(bar - 1) * 4.2}
          y={13 - bar * 3}
          width="2.8"
          height={bar * 3}
          rx="1"
        />
      ))}
    </svg>
  );
}

export function QualityBadge({ quality, path = null, hint = null, isWordShown = false }: QualityBadgeProps) {
  const texts = useTexts();
  if (!quality) return null;
  const word = texts.quality[quality];
  const label = texts.connectionIs(word);
  const title = [label, path && texts.path[path], hint && texts.hint(hint)].filter(Boolean).join(". ");
  return (
    <span className={`bw-quality bw-quality--${quality}`} role="img" aria-label={label} title={title}>
      <Bars lit={BARS[quality]} />
      {isWordShown && <span aria-hidden="true">{word}</span>}
    </span>
  );
}
