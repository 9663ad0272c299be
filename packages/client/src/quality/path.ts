/** How media travels to another device, as numbers of the wire and as words. */

/** By their numbers, from 1. `relay-…`: over the relay that this device reaches so; `relay-far`: only the other uses one. */
const PATHS = ["direct-udp", "direct-tcp", "relay-udp", "relay-tcp", "relay-tls", "relay-far"] as const;

export type ConnectionPath = (typeof PATHS)[number];

export const pathName = (path: number | null): ConnectionPath | null => PATHS[(path ?? 0) - 1] ?? null;
