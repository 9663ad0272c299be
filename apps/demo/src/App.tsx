/** Chooses the page: two panes, one user, or the question for a token. */
import { useEffect, useState } from "react";
import { ClientPage } from "./ClientPage.js";
import { Frame } from "./Frame.js";
import { demoIdentity, type Identity, tokenIdentity } from "./identity.js";
import { SignIn } from "./SignIn.js";
import type { Settings } from "./settings.js";
import { TwoPanes } from "./TwoPanes.js";
import { fetchDevToken, NoToken } from "./tokens.js";
import { useTheme } from "./useTheme.js";

/** Whether the server hands out demo tokens: asked once, for a page that cannot get one should say so at once. */
function useRefusal(user: string | null): string | null {
  const [refusal, setRefusal] = useState<string | null>(null);
  useEffect(() => {
    if (user === null) return;
    const abort = new AbortController();
    fetchDevToken(user, abort.signal).catch((error: unknown) => {
      // Any other trouble is the client's to tell: it asks again by itself.
      if (error instanceof NoToken) setRefusal(error.message);
    });
    return () => abort.abort();
  }, [user]);
  return refusal;
}

function firstIdentity({ token, user }: Settings): Identity | null {
  if (token) return tokenIdentity(token);
  return user ? demoIdentity(user) : null;
}

const FOOTNOTE = "bellwire rings, connects and remembers calls between the users of any application.";

export function App({ settings }: { settings: Settings }) {
  useTheme(settings.theme);
  const [identity, setIdentity] = useState(() => firstIdentity(settings));
  const refusal = useRefusal(settings.token ? null : (settings.user ?? "alice"));
  const isRefused = refusal !== null && identity?.isDemo !== false;

  if (identity && !isRefused) return <ClientPage key={identity.face.id} identity={identity} settings={settings} />;
  if (!isRefused && !settings.token) return <TwoPanes settings={settings} />;
  return (
    <Frame settings={settings} footnote={FOOTNOTE}>
      <SignIn
        reason={refusal ?? "The link that you opened holds no valid token."}
        onToken={(token) => setIdentity(tokenIdentity(token))}
      />
    </Frame>
  );
}
