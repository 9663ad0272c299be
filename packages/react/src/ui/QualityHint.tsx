/** What could be done about a weak connection, in words. Its place is always there, so that a screen reader hears what comes
 *  into it, once it is through with what it says. */
import type { Hint } from "@bellwire/client";
import { useState } from "react";
import { CloseIcon, WarnIcon } from "./icons.js";
import { useTexts } from "./texts.js";

export interface QualityHintProps {
  /** null: there is nothing to say. */
  hint: Hint | null;
  /** Puts this kind of hint aside for good; without it, it cannot be. */
  onDismiss?: ((hint: Hint) => void) | undefined;
}

export function QualityHint({ hint, onDismiss }: QualityHintProps) {
  const texts = useTexts();
  return (
    <div className="bw-quality-hint" role="status" aria-live="polite">
      {hint && (
        <div className="bw-notice bw-notice--warning">
          <WarnIcon />
          <span className="bw-notice__text">{texts.hint(hint)}</span>
          {onDismiss && (
            <button
              type="button"
              className="bw-button bw-button--round"
              aria-label={texts.dismiss}
              onClick={() => onDismiss(hint)}
            >
              <CloseIcon />
            </button>
          )}
        </div>
      )}
    </div>
  );
}

/** A hint, unless one of its kind was put aside before. */
export function useDismissedHints(hint: Hint | null): [Hint | null, (hint: Hint) => void] {
  const [seen, setSeen] = useState<readonly string[]>([]);
  const dismiss = ({ code }: Hint) => setSeen((codes) => [...codes, code]);
  return [hint && seen.includes(hint.code) ? null : hint, dismiss];
}
