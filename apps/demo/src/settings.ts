/** What the address of the page asks for. */

export interface Settings {
  /** Show this user alone; null: two panes, or whoever the token names. */
  user: string | null;
  /** A token handed over in the fragment, where it never reaches a server's log. */
  token: string | null;
  /** The page is one of two panes: sound is off at first, and there is no frame around it. */
  isPane: boolean;
  /** The call that an invitation names: its page begins with the question whether to join. */
  call: string | null;
  /** Media only over the relay. */
  isRelayForced: boolean;
  theme: "light" | "dark" | null;
  /** Where the server has Socket.IO; undefined: at the usual place. */
  socketPath?: string | undefined;
}

/** A server that does not answer is the client's to tell: it asks again by itself. */
export async function askSocketPath(): Promise<string | undefined> {
  try {
    const answer = await fetch("/api/server", { signal: AbortSignal.timeout(2000) });
    const server: { socketPath?: string } = await answer.json();
    return server.socketPath;
  } catch {
    return undefined;
  }
}

export function readSettings(address: URL): Settings {
  const query = address.searchParams;
  const theme = query.get("theme");
  return {
    user: query.get("user"),
    token: new URLSearchParams(address.hash.slice(1)).get("token"),
    isPane: query.get("pane") === "1",
    call: query.get("call"),
    isRelayForced: query.get("relay") === "1",
    theme: theme === "light" || theme === "dark" ? theme : null,
  };
}

/** The address of one user's page, with the rest of the wishes kept. */
export function userAddress(user: string, settings: Settings, isPane: boolean, callId?: string): string {
  const query = new URLSearchParams({ user });
  if (isPane) query.set("pane", "1");
  if (callId !== undefined) query.set("call", callId);
  if (settings.isRelayForced) query.set("relay", "1");
  if (settings.theme) query.set("theme", settings.theme);
  return `/?${query}`;
}
