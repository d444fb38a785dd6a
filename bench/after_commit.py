"""What happens after the commit: sends while webhooks are delivered, deliveries, live readers."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from bench.generator import HOST, compile_to
from bench.server import Server
from bench.workload import BODY, Calls, messages

RECEIVER = Path(__file__).with_name("receive.c")
SETTINGS = {"KOINE_OUTBOUND_ALLOW": HOST}
"""Koine posts to this machine only where it is told that it may."""
SAID_EVERY_S = 0.5
"""Seconds between two messages to the streams."""
SETTLES_S = 3.0
LOOK_EVERY_S, LULL_S = 0.05, 1.0


class Audience(Struct, frozen=True):
    """How many streams are sent how many messages, and how many sockets are idle."""

    streams: int = 1_000
    messages: int = 12
    sockets: int = 10_000


class Receiver:
    """A running bench/receive.c."""

    def __init__(self, program: Path) -> None:
        compile_to(program, RECEIVER)
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.port = self._number()

    def received(self) -> int:
        """How many posts it has answered so far."""
        assert self._process.stdin is not None
        self._process.stdin.write("?\n")
        return self._number()

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _number(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@contextmanager
def webhook_receiver(server: Server, calls: Calls, program: Path) -> Iterator[Receiver]:
    """A receiver that a webhook of the tenant tells of every message, for as long as the context
    is open."""
    with contextlib.closing(Receiver(program)) as receiver:
        new = {"url": f"http://{HOST}:{receiver.port}/", "events": ["message.created"]}
        made = json.loads(server.post("/v1/webhooks", calls.admin, new))
        yield receiver
        server.delete(f"/v1/webhooks/{made['id']}", calls.admin)


def deliveries(receiver: Receiver, seconds: float) -> float:
    """Deliveries a second while nothing else is done, over so long or until none is in line."""
    before = count = receiver.received()
    began = latest = time.monotonic()
    while time.monotonic() < min(began + seconds, latest + LULL_S):
        time.sleep(LOOK_EVERY_S)
        if (found := receiver.received()) > count:
            count, latest = found, time.monotonic()
    return (count - before) / max(latest - began, LOOK_EVERY_S)


def stream_delays(server: Server, calls: Calls, audience: Audience) -> dict[str, float]:
    """Say a few messages to streams of server-sent events; answers how many ms after it was
    written each came: p50, p99, max. Raises RuntimeError unless every stream was told all."""
    count, said = audience.streams, audience.messages
    with _readers("sse", server, calls.admin, count, SETTLES_S + said * SAID_EVERY_S) as readers:
        began = time.monotonic()
        for number in range(said):
            time.sleep(max(began + number * SAID_EVERY_S - time.monotonic(), 0))
            server.post(messages(1), calls.driver, BODY)
        heard = _line(readers)
    if heard["heard"] != count * said:
        raise RuntimeError(f"{count} streams had {heard['heard']} of {said} messages each")
    delays: dict[str, float] = heard["delays_ms"]
    return delays


def websocket_rate(server: Server, calls: Calls, count: int) -> float:
    """Memory of a server with so many idle WebSockets, in MB."""
    with _readers("socket", server, calls.admin, count, SETTLES_S) as readers:
        time.sleep(SETTLES_S / 2)
        used = server.memory_mb()
        _line(readers)
    return used


@contextmanager
def _readers(
    kind: str, server: Server, token: str, count: int, seconds: float
) -> Iterator["subprocess.Popen[str]"]:
    """Readers in a process of their own, all connected."""
    words = [sys.executable, "-m", "bench.stream_readers", kind, server.port, token, count, seconds]
    with subprocess.Popen([str(w) for w in words], stdout=subprocess.PIPE, text=True) as process:
        try:
            _line(process)
            yield process
        finally:
            process.kill()


def _line(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    said = process.stdout.readline()
    if not said:
        raise RuntimeError("the readers broke off")
    found: dict[str, Any] = json.loads(said)
    return found
