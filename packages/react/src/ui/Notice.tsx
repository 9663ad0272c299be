/** A sentence about something that needs attention, with a way to put it aside. */
import type { ReactNode } from "react";
import { CloseIcon, WarnIcon } from "./icons.js";
import { useTexts } from "./texts.js";

export interface NoticeProps {
  kind?: "info" | "warning" | "error";
  children: ReactNode;
  /** A button beside the text. */
  action?: { label: string; onClick: () => void } | undefined;
  onDismiss?: (() => void) | undefined;
}

export function Notice({ kind = "warning", children, action, onDismiss }: NoticeProps) {
  const texts = useTexts();
  return (
    <div className={`bw-notice bw-notice--${kind}`} role={kind === "error" ? "alert" : "status"}>
      {kind !== "info" && <WarnIcon />}
      <span className="bw-notice__text">{children}</span>
      {action && (
        <button type="button" className="bw-button" onClick={action.onClick}>
          {action.label}
        </button>
      )}
      {onDismiss && (
        <button type="button" className="bw-button bw-button--round" aria-label={texts.dismiss} onClick={onDismiss}>
          <CloseIcon />
        </button>
      )}
    </div>
  );
}
