/** How long the talk lasts, counted from the answer. */
import { useEffect, useState } from "react";
import { formatDuration, isoDuration } from "./format.js";
import { useTexts } from "./texts.js";

/** `since`: when the call was answered, in milliseconds of this machine's clock. */
export function CallTimer({ since }: { since: number }) {
  const texts = useTexts();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    // At each full second of the talk, so that both sides show the same one.
    const untilNext = 1000 - ((((now - since) % 1000) + 1000) % 1000);
    const timer = setTimeout(() => setNow(Date.now()), untilNext);
    return () => clearTimeout(timer);
  }, [now, since]);
  const seconds = (now - since) / 1000;
  return (
    <time className="bw-timer" role="timer" aria-label={texts.duration} dateTime={isoDuration(seconds)}>
      {formatDuration(seconds)}
    </time>
  );
}
