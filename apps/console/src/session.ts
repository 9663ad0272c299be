/** Whose token the page uses: one at hand, one that is pasted, or the demo's. */
import { useCallback, useEffect, useState } from "react";
import { dropToken, keepToken, tokenAtHand } from "./token.js";

export interface Session {
  token: string | null;
  /** Still being found out. */
  isPending: boolean;
  use(token: string): void;
  /** The server refused it. */
  drop(): void;
}

/** A server in dev mode gives tokens to pages on its own machine. */
async function fromDemo(query: string): Promise<string | null> {
  const response = await fetch(`/api/dev/token?${query}`).catch(() => null);
  if (!response?.ok) return null;
  return ((await response.json()) as { token: string }).token;
}

/** `demo` is what to ask a demo's server for: user=alice, scope=server. */
export function useSession(demo: string): Session {
  const [token, setToken] = useState(tokenAtHand);
  const [isPending, setPending] = useState(token === null);
  useEffect(() => {
    if (token !== null) return;
    let isGone = false;
    fromDemo(demo).then((found) => {
      if (isGone) return;
      setToken(found);
      setPending(false);
    });
    return () => {
      isGone = true;
    };
  }, [demo, token]);
  const use = useCallback((given: string) => {
    keepToken(given);
    setToken(given);
  }, []);
  const drop = useCallback(() => {
    dropToken();
    setPending(false);
    setToken(null);
  }, []);
  return { token, isPending, use, drop };
}
