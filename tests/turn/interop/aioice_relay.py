"""Two ends of Debian's aioice, both allowed relayed candidates only: HOST PORT TRANSPORT USER PASSWORD."""
import asyncio
import sys

import aioice


def make(controlling, host, port, transport, user, password):
    return aioice.Connection(
        ice_controlling=controlling,
        turn_server=(host, int(port)),
        turn_username=user,
        turn_password=password,
        turn_ssl=transport == "tls",
        turn_transport="udp" if transport == "udp" else "tcp",
        use_ipv6=False,
        transport_policy=aioice.ice.TransportPolicy.RELAY,
    )


async def gather(connection):
    await connection.gather_candidates()
    if {c.type for c in connection.local_candidates} != {"relay"}:
        raise SystemExit(f"candidates: {connection.local_candidates}")


async def introduce(one, other):
    for candidate in one.local_candidates:
        await other.add_remote_candidate(candidate)
    await other.add_remote_candidate(None)
    other.remote_username = one.local_username
    other.remote_password = one.local_password


async def main(arguments):
    one, other = make(True, *arguments), make(False, *arguments)
    await asyncio.gather(gather(one), gather(other))
    await introduce(one, other)
    await introduce(other, one)
    await asyncio.gather(one.connect(), other.connect())
    for i in range(50):
        await one.send(b"ping %d" % i)
        assert await asyncio.wait_for(other.recv(), 5) == b"ping %d" % i
        await other.send(b"pong %d" % i)
        assert await asyncio.wait_for(one.recv(), 5) == b"pong %d" % i
    print("echoed over", one._nominated[1].local_candidate.type)
    await asyncio.gather(one.close(), other.close())


asyncio.run(main(sys.argv[1:]))
