"""A link between two network namespaces with seeded delay, jitter, loss and rate: a TUN device in each, this in between.

link.py SEED NAMESPACE ADDRESS NAMESPACE ADDRESS

Lines on standard input are JSON: {"delay": ms, "jitter": ms, "loss": 0..1, "rate": bits per second or 0}, for both
directions from then on. Jitter is uniform around the delay and never changes the order of packets. Says "ready" once
both devices are up.
"""
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


class Way:
    """One direction: packets that are on it, by the time of their arrival."""

    def __init__(self, out, rng):
        self.out, self.rng = out, rng
        self.flying, self.count = [], 0
        self.free_at = self.last_at = 0.0

    def put(self, packet, how, now):
        if self.rng.random() < how["loss"]:
            return
        start = max(now, self.free_at)
        if start - now > QUEUE_S:
            return
        self.free_at = start + (len(packet) * 8 / how["rate"] if how["rate"] else 0)
        wait = how["delay"] + self.rng.uniform(-how["jitter"], how["jitter"])
        at = max(self.free_at + max(0, wait) / 1000, self.last_at)
        self.last_at = at
        self.count += 1
        heapq.heappush(self.flying, (at, self.count, packet))

    def deliver(self, now):
        while self.flying and self.flying[0][0] <= now:
            try:
                os.write(self.out, heapq.heappop(self.flying)[2])
            except BlockingIOError:
                pass

    def next_in(self, now):
        return max(0.0, self.flying[0][0] - now) if self.flying else 1.0


def main(seed, name_a, address_a, name_b, address_b):
    a = make_tun(name_a, address_a, address_b)
    b = make_tun(name_b, address_b, address_a)
    ways = {a: Way(b, random.Random(f"{seed}a")), b: Way(a, random.Random(f"{seed}b"))}
    how = {"delay": 0, "jitter": 0, "loss": 0, "rate": 0}
    print("ready", flush=True)
    while True:
        now = time.monotonic()
        wait = min(way.next_in(now) for way in ways.values())
        readable, _, _ = select.select([a, b, sys.stdin], [], [], wait)
        now = time.monotonic()
        for tun in (a, b):
            while tun in readable:
                try:
                    ways[tun].put(os.read(tun, 2000), how, now)
                except BlockingIOError:
                    break
        for way in ways.values():
            way.deliver(now)
        if sys.stdin in readable:
            line = sys.stdin.readline()
            if not line:
                return
            how = {**{"delay": 0, "jitter": 0, "loss": 0, "rate": 0}, **json.loads(line)}
            print("set", flush=True)


main(*sys.argv[1:])
