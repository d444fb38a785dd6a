"""How nodes send each other hints and ephemeral events.

Nothing depends on it. A `log_advanced` that is lost, repeated or late costs time and never an
event: each node finds what was committed by looking at the log, at the latest half a second later.
An ephemeral event has no value a moment later.
"""

from collections.abc import Callable
from typing import Literal, Protocol

from koine.kit.metrics import BUS_CONNECTED

Subject = Literal["log_advanced", "ephemeral"]
MessageHandler = Callable[[Subject, bytes], None]


class Bus(Protocol):
    """Between the nodes of one database. A node does not receive what it publishes itself."""

    async def start(self, on_message: MessageHandler) -> None:
        """Connect and subscribe, in a task that retries forever; raises nothing."""

    def publish(self, subject: Subject, payload: bytes = b"") -> None:
        """Send to the other nodes, soon or never; neither waits nor raises. At most 5 KB."""

    async def close(self) -> None:
        """Stop."""


class LocalBus:
    """The bus where one process alone serves the database: it is never disconnected."""

    async def start(self, on_message: MessageHandler) -> None:
        """Nothing to receive."""
        BUS_CONNECTED.set(1)

    def publish(self, subject: Subject, payload: bytes = b"") -> None:
        """Nobody to send to."""

    async def close(self) -> None:
        """Nothing to stop."""
