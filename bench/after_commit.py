"""What happens after the commit: deliveries of webhooks, and open streams."""

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
"""The server posts webhooks to private addresses only where a setting allows it."""
RECEIVED_WITHIN_S = 30.0
"""Seconds after which a message that a stream or webhook has not received counts as lost."""
POLL_S, IDLE_S = 0.05, 1.0


class StreamLoad(Struct, frozen=True):
    """How many streams receive how many messages, one every `interval_s` seconds, and how many idle
    WebSockets there are. Readers stay connected for `settle_s` seconds after their last message."""

    streams: int = 1_000
    messages: int = 12
    sockets: int = 10_000
    interval_s: float = 0.5
    settle_s: float = 3.0


class Receiver:
    """A running bench/receive.c."""

    def __init__(self, program: Path) -> None:
        compile_to(program, RECEIVER)
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.port = self._number()

    def received(self) -> int:
        """How many requests it has answered so far."""
        assert self._process.stdin is not None
        self._process.stdin.write("?\n")
        return self._number()

    def close(self) -> None:
        """Stop the program."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _number(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@contextmanager
def webhook_receiver(server: Server, calls: Calls, program: Path) -> Iterator[Receiver]:
    """A receiver of a webhook for every message of the tenant, removed when the context ends."""
    with contextlib.closing(Receiver(program)) as receiver:
        new = {"url": f"http://{HOST}:{receiver.port}/", "events": ["message.created"]}
        webhook = json.loads(server.post("/v1/webhooks", calls.admin, new))
        yield receiver
        server.delete(f"/v1/webhooks/{webhook['id']}", calls.admin)


def delivery_rate(receiver: Receiver, seconds: float) -> float:
    """Deliveries a second without other load, for `seconds` or until no more are received. Raises
    RuntimeError if nothing was ever delivered."""
    _wait_for_first_delivery(receiver)
    before = count = receiver.received()
    began = latest = time.monotonic()
    while time.monotonic() < min(began + seconds, latest + IDLE_S):
        time.sleep(POLL_S)
        if (found := receiver.received()) > count:
            count, latest = found, time.monotonic()
    return (count - before) / max(latest - began, POLL_S)


def _wait_for_first_delivery(receiver: Receiver) -> None:
    until = time.monotonic() + RECEIVED_WITHIN_S
    while not receiver.received():
        if time.monotonic() > until:
            raise RuntimeError("no message was delivered to the webhook")
        time.sleep(POLL_S)


def stream_delays(server: Server, calls: Calls, load: StreamLoad) -> dict[str, float]:
    """Send messages to open SSE streams; return p50, p99 and max of the ms from the write of a
    message until a stream received it. Raises RuntimeError if a stream missed one."""
    count, sent = load.streams, load.messages
    with _readers("sse", server, calls.admin, load, count * sent) as readers:
        began = time.monotonic()
        for number in range(sent):
            time.sleep(max(began + number * load.interval_s - time.monotonic(), 0))
            server.post(messages(1), calls.driver, BODY)
        result = _line(readers)
    if result["received"] != count * sent:
        raise RuntimeError(
            f"{count} streams received {result['received']} of {count * sent} events"
        )
    delays: dict[str, float] = result["delays_ms"]
    return delays


def memory_with_websockets(server: Server, calls: Calls, load: StreamLoad) -> float:
    """Memory of a server with idle WebSockets, in MB."""
    with _readers("socket", server, calls.admin, load, 0) as readers:
        time.sleep(load.settle_s / 2)
        used = server.memory_mb()
        _line(readers)
    return used


@contextmanager
def _readers(
    kind: str, server: Server, token: str, load: StreamLoad, expected: int
) -> Iterator["subprocess.Popen[str]"]:
    """`bench.stream_readers` in a process of its own, once all readers are connected. They read
    until they have received `expected` messages together, then `settle_s` seconds longer."""
    count = load.streams if kind == "sse" else load.sockets
    within = RECEIVED_WITHIN_S + load.messages * load.interval_s
    options = [kind, server.port, token, count, expected, within, load.settle_s]
    command = [sys.executable, "-m", "bench.stream_readers", *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            _line(process)
            yield process
        finally:
            process.kill()


def _line(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("the process of the stream readers ended early")
    decoded: dict[str, Any] = json.loads(line)
    return decoded
