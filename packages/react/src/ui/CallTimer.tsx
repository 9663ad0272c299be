/** How long the talk lasts, counted from the answer. */
import { useEffect, useState } from "react";
import { formatDuration, isoDuration } from "./format.js";
import { useTexts } from "./texts.js";

/** `since`: when the call was answered, in milliseconds of this machine's clock. */
export function CallTimer({ since }: { since: number }) {
  const texts = useTexts();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = (now - since) / 1000;
  return (
    <time className="bw-timer" role="timer" aria-label={texts.duration} dateTime={isoDuration(seconds)}>
      {formatDuration(seconds)}
    </time>
  );
}
