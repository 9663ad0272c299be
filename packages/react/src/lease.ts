/** Who holds a client's connection. It closes a moment after the last one let go, so that StrictMode's second mount and
 *  a change of page do not close and open it again. */
import type { Client } from "@bellwire/client";

/** Longer than a remount takes, shorter than anybody would notice. */
const CLOSE_AFTER_MS = 200;

interface Lease {
  holders: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

const leases = new WeakMap<Client, Lease>();

/** Connects if nobody else has; returns how to let go, which may be called once. */
export function borrowConnection(client: Client): () => void {
  const lease = leases.get(client) ?? { holders: 0, timer: undefined };
  leases.set(client, lease);
  lease.holders++;
  clearTimeout(lease.timer);
  // What goes wrong is in the client's snapshot (connection, error).
  client.connect().catch(() => {});
  return () => {
    lease.holders--;
    if (lease.holders > 0) return;
    lease.timer = setTimeout(() => client.disconnect(), CLOSE_AFTER_MS);
  };
}
