/** Who this page is, and how its client gets tokens. */
import type { ClientOptions } from "@bellwire/client";
import type { Face } from "@bellwire/react/ui";
import { faceOf } from "./people.js";
import type { Settings } from "./settings.js";
import { fetchDevToken, userOfToken } from "./tokens.js";

export interface Identity {
  face: Face;
  /** The server of the demo vouches for it, if it does so for this page. */
  isDemo: boolean;
  getToken: () => Promise<string>;
}

/** Somebody of the demo; the server of this machine gives the tokens. */
export function demoIdentity(user: string): Identity {
  return { face: faceOf(user), isDemo: true, getToken: () => fetchDevToken(user) };
}

/** Whoever the token names; null when it is none. */
export function tokenIdentity(token: string): Identity | null {
  const user = userOfToken(token);
  return user && { face: faceOf(user.id, user.name), isDemo: false, getToken: async () => token };
}

export function clientOptions(identity: Identity, settings: Settings): ClientOptions {
  return {
    url: location.origin,
    ...(settings.socketPath === undefined ? {} : { path: settings.socketPath }),
    getToken: identity.getToken,
    ...(settings.isRelayForced ? { iceTransportPolicy: "relay" } : {}),
  };
}
