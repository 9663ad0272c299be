/** How times and durations are written. */

/** 42 → "0:42", 3725 → "1:02:05". */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const s = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${s}` : `${minutes}:${s}`;
}

/** The same as ISO 8601 for a <time> element: 42 → "PT42S". */
export function isoDuration(seconds: number): string {
  return `PT${Math.max(0, Math.floor(seconds))}S`;
}

/** 3,100,000 → "3.1 MB". */
export function formatSize(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** The number of midnights between a moment and now, by the clock on the wall. */
export function daysAgo(when: Date, now: Date): number {
  const day = (d: Date) => Date.UTC(d.getFullYear(), d.getMonth(), d.getDate());
  return Math.round((day(now) - day(when)) / 86_400_000);
}

/** "14:03" today, "Yesterday", else "3 Mar", with the year when it is another. */
export function formatMoment(when: Date, now: Date, yesterday: string): string {
  const days = daysAgo(when, now);
  if (days === 0) return when.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  if (days === 1) return yesterday;
  const year = when.getFullYear() === now.getFullYear() ? {} : ({ year: "numeric" } as const);
  return when.toLocaleDateString(undefined, { day: "numeric", month: "short", ...year });
}
