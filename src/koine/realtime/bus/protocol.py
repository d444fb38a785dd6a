"""How nodes wake one another, and how whispers reach every node.

Nothing depends on it: a `moved` that is lost, doubled or late costs time, never an event (each node
finds what is committed by reading, at the latest a second later), and whispers are worth nothing
a moment after.
"""

from collections.abc import Callable
from typing import Literal, Protocol

Subject = Literal["log_advanced", "ephemeral"]
MessageHandler = Callable[[Subject, bytes], None]


class Bus(Protocol):
    """Between the nodes of one database. What a node tells it does not hear itself."""

    async def start(self, heard: MessageHandler) -> None:
        """Begin to listen, and go on trying for ever; raises nothing when nobody answers."""

    def publish(self, subject: Subject, payload: bytes = b"") -> None:
        """Tell the other nodes, soon or never; neither waits nor raises. At most 5 KB."""

    async def close(self) -> None:
        """Stop listening and telling."""


class LocalBus:
    """The bus of one process: there is nobody else."""

    async def start(self, heard: MessageHandler) -> None:
        """Nobody will be heard."""

    def publish(self, subject: Subject, payload: bytes = b"") -> None:
        """Nobody hears."""

    async def close(self) -> None:
        """Nothing to stop."""
