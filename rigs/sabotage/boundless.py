"""Queues for a reader whatever there is to tell it, whether or not it reads."""

from koine.main import serving
from koine.main.protocols import HttpProtocol, WebSocketProtocol
from koine.relay.seat import Subscriber


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
    serving.main()
