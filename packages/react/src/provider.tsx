/** One client for the whole page, and one place where React looks at it. */
import { type Client, type ClientOptions, createClient } from "@bellwire/client";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { borrowConnection } from "./lease.js";

export type BellwireProviderProps = {
  children: ReactNode;
  /** Connect as soon as the provider is there (default). */
  connect?: boolean;
} & ({ client: Client; options?: never } | { options: ClientOptions; client?: never });

const ClientContext = createContext<Client | null>(null);

/** With `options` the provider makes the client itself, once; later changes of `options` are not looked at. A client
 *  that was given is connected and left open by whoever made it, unless `connect` says otherwise. */
export function BellwireProvider({ children, client, options, connect }: BellwireProviderProps): ReactNode {
  // Making a client opens nothing, so that the one that StrictMode throws away costs nothing.
  const [own] = useState(() => (options ? createClient(options) : null));
  const used = client ?? own;
  if (!used) throw new Error("BellwireProvider needs a client or options");
  const holdsConnection = connect ?? client === undefined;
  useEffect(() => (holdsConnection ? borrowConnection(used) : undefined), [used, holdsConnection]);
  return <ClientContext.Provider value={used}>{children}</ClientContext.Provider>;
}

export function useClient(): Client {
  const client = useContext(ClientContext);
  if (!client) throw new Error("This needs a BellwireProvider around it");
  return client;
}

/** A store, or null for nothing, as part of the component's state. */
export interface Readable<T> {
  readonly subscribe: (listener: () => void) => () => void;
  readonly getSnapshot: () => T;
}

const noSubscription = () => () => {};

/** The one subscription: `pick` must give the same object as long as what it looks at is the same. */
export function useSnapshot<T, S>(store: Readable<T> | null, pick: (snapshot: T) => S, otherwise: S): S {
  const read = () => (store ? pick(store.getSnapshot()) : otherwise);
  return useSyncExternalStore(store?.subscribe ?? noSubscription, read, read);
}
