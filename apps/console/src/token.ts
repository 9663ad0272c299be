/** The token that this page uses: one from the address (after #, where no log sees it), or the one before. */

const KEY = "bellwire-console-token";

/** From the address it is taken away, so that nobody copies it by mistake. */
export function tokenAtHand(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return sessionStorage.getItem(KEY);
  keepToken(token);
  history.replaceState(null, "", location.pathname + location.search);
  return token;
}

export const keepToken = (token: string): void => sessionStorage.setItem(KEY, token);

export const dropToken = (): void => sessionStorage.removeItem(KEY);
