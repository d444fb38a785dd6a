"""Queues for a reader whatever there is to tell it, whether or not it reads."""

from koine.realtime.subscriber import Subscriber
from koine.server import run
from koine.server.uvicorn_protocols import HttpProtocol, WebSocketProtocol


def write_on(_self: object) -> None:
    """What is done when a connection has enough to send: nothing."""


def keep(self: Subscriber, position: int, frame: bytes) -> None:
    """Queue a frame, however many wait already."""
    self._queue.append((position, frame))
    self._wake()


for protocol in (HttpProtocol, WebSocketProtocol):
    setattr(protocol, "pause_writing", write_on)  # noqa: B010  # the fault itself
Subscriber.put = keep  # type: ignore[method-assign]  # the fault itself

if __name__ == "__main__":
    run.main()
