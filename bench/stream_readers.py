"""Many stream readers in a process of their own: `python -m bench.stream_readers`.

Prints one line of JSON when all readers are connected, and one with the results at the end.
"""

import argparse
import asyncio
import base64
import contextlib
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
    """Connect, read until all messages are received, and print the delays."""
    parser = argparse.ArgumentParser(prog="python -m bench.stream_readers", description=__doc__)
    parser.add_argument("kind", choices=["sse", "socket"])
    parser.add_argument("port", type=int)
    parser.add_argument("token")
    parser.add_argument("count", type=int)
    parser.add_argument("expected", type=int, help="messages that all receive together")
    parser.add_argument("within", type=float, help="seconds to wait for them")
    parser.add_argument("settle", type=float, help="seconds to read on after the last of them")
    uvloop.run(_read(parser.parse_args()))


async def _read(args: argparse.Namespace) -> None:
    connect = _read_sse if args.kind == "sse" else _hold_websocket
    connected: asyncio.Queue[None] = asyncio.Queue()
    delays: asyncio.Queue[float] = asyncio.Queue()
    slots = asyncio.Semaphore(AT_ONCE)
    tasks = []
    for _ in range(args.count):
        await slots.acquire()
        tasks.append(asyncio.create_task(connect(args.port, args.token, connected, slots, delays)))
    for _ in range(args.count):
        await connected.get()
    _print({"connected": args.count})
    received: list[float] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(args.within):
            while len(received) < args.expected:
                received.append(await delays.get())
    await asyncio.sleep(args.settle)
    for task in tasks:
        task.cancel()
    while not delays.empty():
        received.append(delays.get_nowait())
    _print({"received": len(received), "delays_ms": _percentiles(received)})


async def _read_sse(
    port: int,
    token: str,
    connected: "asyncio.Queue[None]",
    slots: asyncio.Semaphore,
    delays: "asyncio.Queue[float]",
) -> None:
    """Read one SSE stream; queue the ms from the write of each message to its arrival."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(
        b"GET /v1/events?kinds=message HTTP/1.1\r\nHost: bench\r\n"
        b"Authorization: Bearer " + token.encode() + b"\r\n\r\n"
    )
    await reader.readuntil(b"event: ready")
    slots.release()
    connected.put_nowait(None)
    while True:
        line = await reader.readuntil(b"\n")
        if line.startswith(b"data: ") and b'"message.created"' in line:
            delays.put_nowait((time.time() - _written_at(line)) * 1000)


async def _hold_websocket(
    port: int,
    token: str,
    connected: "asyncio.Queue[None]",
    slots: asyncio.Semaphore,
    _delays: "asyncio.Queue[float]",
) -> None:
    """Authenticate one WebSocket, and discard what it receives."""
    reader, writer = await asyncio.open_connection(HOST, port)
    key = base64.b64encode(os.urandom(16))
    writer.write(
        b"GET /v1/socket HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_masked(json.dumps({"type": "hello", "token": token}).encode()))
    await reader.readuntil(b'"ready"')
    slots.release()
    connected.put_nowait(None)
    while await reader.read(4096):
        pass


def _masked(text: bytes) -> bytes:
    """A text frame of less than 64 KiB as a client sends it (RFC 6455, 5.2); the mask is zero."""
    return bytes([0x81, 0x80 | 126]) + len(text).to_bytes(2, "big") + bytes(4) + text


def _written_at(line: bytes) -> float:
    """The event's time in seconds since the epoch: when it was written, before its commit."""
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


def _print(result: object) -> None:
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
