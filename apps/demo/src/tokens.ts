/** Where the demo gets its tokens. A real application asks its own backend, which knows who is signed in. */
import { faceOf } from "./people.js";

/** Why there is no token, in words for the page. */
export class NoToken extends Error {
  override readonly name = "NoToken";
}

const NO_DEMO_TOKEN =
  "This server gives demo tokens only to pages opened on its own machine. Open a link that holds a token, or paste one that your backend or `bellwire token` has made.";

/** A token for one of the demo's people, from a server in dev mode on this machine. */
export async function fetchDevToken(user: string, signal?: AbortSignal): Promise<string> {
  const query = new URLSearchParams({ user, name: faceOf(user).name });
  const response = await fetch(`/api/dev/token?${query}`, { signal: signal ?? null });
  if (response.status === 404) throw new NoToken(NO_DEMO_TOKEN);
  if (!response.ok) throw new Error(`The server answered ${response.status} to the request for a token.`);
  const body: { token: string } = await response.json();
  return body.token;
}

/** The user that a token names; only for showing, the server alone judges it. Null when it is no token. */
export function userOfToken(token: string): { id: string; name: string } | null {
  try {
    const part = token.split(".")[1] ?? "";
    const bytes = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    const claims: { sub?: unknown; name?: unknown } = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof claims.sub !== "string" || claims.sub === "") return null;
    return { id: claims.sub, name: typeof claims.name === "string" ? claims.name : claims.sub };
  } catch {
    return null;
  }
}
