"""A link between two network namespaces with seeded delay, jitter, loss and rate: a TUN device in each, this in between.

link.py SEED NAMESPACE ADDRESS NAMESPACE ADDRESS

Lines on standard input are JSON: {"delay": ms, "jitter": ms, "loss": 0..1, "rate": bits per second or 0} for both
directions from then on, and with "there" and "back" the same for one of them alone; "udp" and "tcp" are lists of the
only ports that pass. Jitter is uniform around the delay and never changes the order of packets. Each line is answered
with what was done to media until then, in both directions. Says "ready" once both devices are up.
"""
import collections
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
CLONE_NEWNET = 0x40000000
QUEUE_S = 0.3  # what waits for a slow link longer than this is dropped
CLEAN = {"delay": 0, "jitter": 0, "loss": 0, "rate": 0}
PROTOCOLS = {6: "tcp", 17: "udp"}

libc = ctypes.CDLL(None, use_errno=True)


def enter(name):
    with open(f"/run/netns/{name}") as ns:
        if libc.setns(ns.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {name}")


def make_tun(namespace, address, peer):
    enter(namespace)
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", b"link0", IFF_TUN_NO_PI))
    for words in (["addr", "add", address, "peer", peer, "dev", "link0"], ["link", "set", "link0", "mtu", "1400", "up"]):
        subprocess.run(["ip", *words], check=True)
    return tun


def passes(packet, how):
    """Whether the packet is of a protocol and port that pass."""
    header = (packet[0] & 15) * 4
    allowed = how.get(PROTOCOLS.get(packet[9]))
    ports = struct.unpack_from("!HH", packet, header) if allowed is not None else ()
    return allowed is None or any(port in allowed for port in ports)


def is_media(packet):
    """Sound or pictures: RFC 5761 tells RTCP from RTP by its second byte, RFC 7983 other things by their first; what has
    padding (RFC 3550 section 5.1) is there to probe the link."""
    begin = (packet[0] & 15) * 4 + 8
    if packet[9] != 17 or len(packet) < begin + 12:
        return False
    first, second = packet[begin : begin + 2]
    return 128 <= first <= 191 and not first & 32 and not 192 <= second <= 223


def source_of(packet):
    """The SSRC."""
    return struct.unpack_from("!I", packet, (packet[0] & 15) * 4 + 16)[0]


class Source:
    """The packets of one SSRC: only these are compared with each other (RFC 3550 section 6.4.1)."""

    def __init__(self):
        self.transits = []

    def jitter(self):
        """What RFC 3550's estimate tends to, in ms."""
        steps = [abs(b - a) for a, b in zip(self.transits, self.transits[1:])]
        return 1000 * sum(steps) / max(1, len(steps))


class Tally:
    """What was done to media: what a browser should find."""

    def __init__(self):
        self.packets = self.lost = self.bytes = 0
        self.sources = collections.defaultdict(Source)

    def arrived(self, packet, transit):
        if is_media(packet):
            self.packets += 1
            self.bytes += len(packet)
            self.sources[source_of(packet)].transits.append(transit)

    def tell(self, seconds):
        """jitter: that of the source with most packets."""
        busiest = max(self.sources.values(), key=lambda source: len(source.transits), default=Source())
        told = {"packets": self.packets, "lost": self.lost, "bytes": self.bytes}
        return {**told, "jitter": busiest.jitter(), "seconds": seconds}


class Way:
    """One direction: packets that are on it, by the time of their arrival."""

    def __init__(self, out, rng):
        self.out, self.rng = out, rng
        self.flying, self.count = [], 0
        self.free_at = self.last_at = 0.0
        self.how, self.tally = CLEAN, Tally()

    def put(self, packet, now):
        how = self.how
        if not passes(packet, how):
            return
        start = max(now, self.free_at)
        if self.rng.random() < how["loss"] or start - now > QUEUE_S:
            self.tally.lost += is_media(packet)
            return
        self.free_at = start + (len(packet) * 8 / how["rate"] if how["rate"] else 0)
        wait = how["delay"] + self.rng.uniform(-how["jitter"], how["jitter"])
        at = max(self.free_at + max(0, wait) / 1000, self.last_at)
        self.last_at = at
        self.count += 1
        heapq.heappush(self.flying, (at, self.count, now, packet))

    def deliver(self, now):
        while self.flying and self.flying[0][0] <= now:
            _, _, begin, packet = heapq.heappop(self.flying)
            self.tally.arrived(packet, now - begin)
            try:
                os.write(self.out, packet)
            except BlockingIOError:
                pass

    def next_in(self, now):
        return max(0.0, self.flying[0][0] - now) if self.flying else 1.0

    def set(self, how, seconds):
        told, self.how, self.tally = self.tally.tell(seconds), how, Tally()
        return told


def main(seed, name_a, address_a, name_b, address_b):
    a = make_tun(name_a, address_a, address_b)
    b = make_tun(name_b, address_b, address_a)
    ways = {a: Way(b, random.Random(f"{seed}a")), b: Way(a, random.Random(f"{seed}b"))}
    print("ready", flush=True)
    set_at = time.monotonic()
    while True:
        now = time.monotonic()
        wait = min(way.next_in(now) for way in ways.values())
        readable, _, _ = select.select([a, b, sys.stdin], [], [], wait)
        now = time.monotonic()
        for tun in (a, b):
            while tun in readable:
                try:
                    ways[tun].put(os.read(tun, 2000), now)
                except BlockingIOError:
                    break
        for way in ways.values():
            way.deliver(now)
        if sys.stdin in readable:
            line = sys.stdin.readline()
            if not line:
                return
            how = json.loads(line)
            both = {**CLEAN, **{key: value for key, value in how.items() if key not in ("there", "back")}}
            told = {key: ways[tun].set({**both, **how.get(key, {})}, now - set_at) for key, tun in (("there", a), ("back", b))}
            set_at = now
            print("set " + json.dumps(told), flush=True)


main(*sys.argv[1:])
