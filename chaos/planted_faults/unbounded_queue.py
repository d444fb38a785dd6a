"""Queues events for a stream without a limit, whether or not its client reads."""

from koine.realtime.subscriber import Subscriber
from koine.server import run
from koine.server.uvicorn_protocols import HttpProtocol, WebSocketProtocol


def keep_writing(_self: object) -> None:
    """Ignore that the write buffer of the connection is full."""


def put(self: Subscriber, position: int, frame: bytes) -> None:
    """Queue a frame, however long the queue is."""
    self._queue.append((position, frame))
    self._wake()


for protocol in (HttpProtocol, WebSocketProtocol):
    setattr(protocol, "pause_writing", keep_writing)  # noqa: B010  # the fault itself
Subscriber.put = put  # type: ignore[method-assign]  # the fault itself

if __name__ == "__main__":
    run.main()
