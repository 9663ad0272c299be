/** One client for the whole page. */
import { type Client, type ClientOptions, createClient } from "@bellwire/client";
import { type ReactNode, useEffect, useState } from "react";
import { ClientContext, useClient } from "./context.js";
import { borrowConnection } from "./lease.js";
import { useRememberedDevices } from "./useDevices.js";

export type BellwireProviderProps = {
  children: ReactNode;
  /** Connect as soon as the provider is there (default). */
  connect?: boolean;
  /** Choose the devices of the last visit again (default). */
  rememberDevices?: boolean;
} & ({ client: Client; options?: never } | { options: ClientOptions; client?: never });

/** With `options` the provider makes the client itself, once; later changes of `options` are not looked at. A client
 *  that was given is connected and left open by whoever made it, unless `connect` says otherwise. */
export function BellwireProvider(props: BellwireProviderProps): ReactNode {
  const { children, client, options, connect, rememberDevices = true } = props;
  // Making a client opens nothing, so that the one that StrictMode throws away costs nothing.
  const [own] = useState(() => (options ? createClient(options) : null));
  const used = client ?? own;
  if (!used) throw new Error("BellwireProvider needs a client or options");
  const holdsConnection = connect ?? client === undefined;
  useEffect(() => (holdsConnection ? borrowConnection(used) : undefined), [used, holdsConnection]);
  return (
    <ClientContext.Provider value={used}>
      {rememberDevices && <Memory />}
      {children}
    </ClientContext.Provider>
  );
}

/** A component of its own, so that it can be left out. */
function Memory(): null {
  useRememberedDevices(useClient());
  return null;
}
