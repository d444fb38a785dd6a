"""Many stream readers in a process of their own: `python -m bench.stream_readers`.

It is told what to do by its arguments, and says on its output one line of JSON when all readers are
connected, and one with what it measured when its time is over.
"""

import argparse
import asyncio
import base64
import json
import os
import sys
import time

import uvloop

from bench.generator import HOST

AT_ONCE = 100
"""How many connect at the same time."""
_CREATED = b'"created_at":"'


def main() -> None:
    """Connect, wait, and say what came when."""
    parser = argparse.ArgumentParser(prog="python -m bench.stream_readers", description=__doc__)
    parser.add_argument("kind", choices=["sse", "socket"])
    parser.add_argument("port", type=int)
    parser.add_argument("token")
    parser.add_argument("count", type=int)
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    uvloop.run(_read(given.kind, given.port, given.token, given.count, given.seconds))


async def _read(kind: str, port: int, token: str, count: int, seconds: float) -> None:
    connect = _follow if kind == "sse" else _talk
    connected: asyncio.Queue[None] = asyncio.Queue()
    delays: list[float] = []
    gate = asyncio.Semaphore(AT_ONCE)
    tasks = []
    for _ in range(count):
        await gate.acquire()
        tasks.append(asyncio.create_task(connect(port, token, connected, gate, delays)))
    for _ in range(count):
        await connected.get()
    _say({"connected": count})
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    _say({"heard": len(delays), "delays_ms": _percentiles(delays)})


async def _follow(
    port: int,
    token: str,
    connected: "asyncio.Queue[None]",
    gate: asyncio.Semaphore,
    delays: list[float],
) -> None:
    """One stream of server-sent events; notes how long after it was said each message came."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(
        b"GET /v1/events?kinds=message HTTP/1.1\r\nHost: bench\r\n"
        b"Authorization: Bearer " + token.encode() + b"\r\n\r\n"
    )
    await reader.readuntil(b"event: ready")
    gate.release()
    connected.put_nowait(None)
    while True:
        line = await reader.readuntil(b"\n")
        if line.startswith(b"data: ") and b'"message.created"' in line:
            delays.append((time.time() - _said_at(line)) * 1000)


async def _talk(
    port: int,
    token: str,
    connected: "asyncio.Queue[None]",
    gate: asyncio.Semaphore,
    _delays: list[float],
) -> None:
    """One WebSocket that says who it is and then listens."""
    reader, writer = await asyncio.open_connection(HOST, port)
    key = base64.b64encode(os.urandom(16))
    writer.write(
        b"GET /v1/socket HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_masked(json.dumps({"type": "hello", "token": token}).encode()))
    await reader.readuntil(b'"ready"')
    gate.release()
    connected.put_nowait(None)
    while await reader.read(4096):
        pass


def _masked(text: bytes) -> bytes:
    """A text frame of less than 64 KiB as a client sends it (RFC 6455, 5.2); the mask is zero."""
    return bytes([0x81, 0x80 | 126]) + len(text).to_bytes(2, "big") + bytes(4) + text


def _said_at(line: bytes) -> float:
    """When the event was written, in seconds since the epoch: before its commit."""
    at = line.index(_CREATED) + len(_CREATED)
    day, _, clock = line[at : at + 23].decode().partition("T")
    seconds = time.mktime(time.strptime(f"{day} {clock[:8]} UTC", "%Y-%m-%d %H:%M:%S %Z"))
    return seconds - time.timezone + float(clock[8:12])


def _percentiles(delays: list[float]) -> dict[str, float]:
    if not delays:
        return {}
    ranked = sorted(delays)
    at = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {
        name: ranked[min(int(len(ranked) * part), len(ranked) - 1)] for name, part in at.items()
    }


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
