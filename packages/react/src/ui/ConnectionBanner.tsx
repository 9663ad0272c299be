/** A line that is there while the connection to the server is not. */
import { Notice } from "./Notice.js";
import { useTexts } from "./texts.js";

export interface ConnectionBannerProps {
  /** The state of the connection to the server; nothing is shown while it is "connected" or not wanted ("idle"). */
  state: "idle" | "connecting" | "connected" | "reconnecting" | "failed";
  isInCall?: boolean;
  /** Why it failed, in words. */
  reason?: string | undefined;
  onRetry?: (() => void) | undefined;
}

export function ConnectionBanner({ state, isInCall = false, reason, onRetry }: ConnectionBannerProps) {
  const texts = useTexts();
  if (state === "idle" || state === "connected") return null;
  if (state === "failed") {
    return (
      <Notice kind="error" action={onRetry && { label: texts.tryAgain, onClick: onRetry }}>
        {reason ?? texts.offline}
      </Notice>
    );
  }
  if (state === "connecting") return <Notice>{texts.connecting}</Notice>;
  return <Notice>{isInCall ? texts.reconnectingInCall : texts.reconnecting}</Notice>;
}
