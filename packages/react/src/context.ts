/** The one place where React looks at the client. */
import type { Client } from "@bellwire/client";
import { createContext, useContext, useSyncExternalStore } from "react";

export const ClientContext = createContext<Client | null>(null);

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
