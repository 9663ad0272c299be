/** A moment in few letters, as the reader's language writes it. */
export const shortTime = (at: string): string =>
  new Date(at).toLocaleString(undefined, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
