// An internet of namespaces: a public bridge with the server on it, and homes behind NATs of several strictness.
//
//   home 10.77.1.2 – NAT 20.77.0.11 ─┐
//                                     public bridge, server 20.77.0.1
//   home 10.77.2.2 – NAT 20.77.0.12 ─┘
//
// No cable leads out of it. The public addresses are ordinary ones, because a relay refuses reserved ranges as peers.
import { execFileSync } from "node:child_process";
import { ip, makeIsland, type Namespace } from "./namespace.js";

const publicAddress = (host: number): string => `20.77.0.${host}`;

export interface NatRules {
  /** Another public port for each destination, so that what STUN tells is of no use to others. */
  symmetric: boolean;
  /** What may go out: everything, TCP only, or TCP to this port only. */
  allowed: "all" | "tcp" | number;
}

export interface Nat {
  /** Where a client lives. */
  home: Namespace;
  /** Replaces the rules; flows that exist keep the public port that they have. */
  set(rules: NatRules): void;
  /** Gives the home another address on its cable (2 to 254), as when a phone goes from one network to the next. */
  move(host: number): void;
  /** Pulls the home's cable out. */
  unplug(): void;
  plug(): void;
}

function forwardRule({ allowed }: NatRules): string {
  if (allowed === "all") return "";
  return allowed === "tcp"
    ? "meta l4proto udp drop"
    : `iifname "in0" tcp dport != ${allowed} drop; meta l4proto udp drop`;
}

/** Nothing comes in but answers. Inbound packets that come early must not claim a port, hence the rule for input. */
const ruleset = (rules: NatRules): string => `
flush ruleset
table ip nat {
  chain outwards {
    type nat hook postrouting priority srcnat
    oifname "out0" masquerade ${rules.symmetric ? "fully-random" : ""}
  }
}
table ip guard {
  chain own {
    type filter hook input priority filter
    iifname "out0" ct state new drop
  }
  chain through {
    type filter hook forward priority filter
    iifname "out0" ct state new drop
    ${forwardRule(rules)}
  }
}
`;

function switchForwardingOn({ wrapper: [command, ...words] }: Namespace): void {
  execFileSync(command, [...words, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
}

/** The public namespace: a bridge, and whatever serves there. */
export function makeInternet(): Namespace {
  const internet = makeIsland(publicAddress(1));
  ip("-n", internet.name, "link", "add", "br0", "type", "bridge");
  ip("-n", internet.name, "addr", "add", `${internet.address}/24`, "dev", "br0");
  ip("-n", internet.name, "link", "set", "br0", "up");
  return internet;
}

/** A home with a NAT of its own, plugged into the bridge. The number, 1 to 99, tells homes apart. */
export function makeHome(internet: Namespace, number: number): Nat {
  const nat = makeIsland(publicAddress(10 + number));
  const home = makeIsland(`10.77.${number}.2`);
  const gateway = `10.77.${number}.1`;
  const port = `port${number}`;
  ip("-n", internet.name, "link", "add", port, "type", "veth", "peer", "name", "out0", "netns", nat.name);
  ip("-n", internet.name, "link", "set", port, "master", "br0", "up");
  ip("-n", nat.name, "link", "add", "in0", "type", "veth", "peer", "name", "eth0", "netns", home.name);
  for (const [namespace, device, address] of [
    [nat, "out0", nat.address],
    [nat, "in0", gateway],
    [home, "eth0", home.address],
  ] as const) {
    ip("-n", namespace.name, "addr", "add", `${address}/24`, "dev", device);
    ip("-n", namespace.name, "link", "set", device, "up");
  }
  ip("-n", home.name, "route", "add", "default", "via", gateway);
  switchForwardingOn(nat);
  const [command, ...words] = nat.wrapper;
  const set = (rules: NatRules) => execFileSync(command, [...words, "nft", "-f", "-"], { input: ruleset(rules) });
  const onward = () => ip("-n", home.name, "route", "replace", "default", "via", gateway);
  const move = (host: number) => {
    ip("-n", home.name, "addr", "flush", "dev", "eth0");
    ip("-n", home.name, "addr", "add", `10.77.${number}.${host}/24`, "dev", "eth0");
    onward();
  };
  const unplug = () => void ip("-n", home.name, "link", "set", "eth0", "down");
  const plug = () => {
    ip("-n", home.name, "link", "set", "eth0", "up");
    onward(); // the kernel forgot it with the cable
  };
  return { home, set, move, unplug, plug };
}
