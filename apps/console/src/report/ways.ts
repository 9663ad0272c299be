/** The ways of media, in words. */

const WAYS: Record<string, string> = {
  "direct-udp": "the direct way",
  "direct-tcp": "the direct way over TCP",
  "relay-udp": "the relay over UDP",
  "relay-tcp": "the relay over TCP",
  "relay-tls": "the relay over TLS",
  "relay-far": "the relay of the other side",
};

export const wayOf = (path: string): string => WAYS[path] ?? path;
