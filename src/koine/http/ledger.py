"""What keeps the first answers of Idempotency-Keys: asked by the HTTP floor, wired by main."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from koine.model.errors import Invalid

if TYPE_CHECKING:
    from koine.model.actor import Actor

HEADER = "Idempotency-Key"


class KeyReused(Invalid):
    """The key came before with another payload. The answer is a 422 in every dialect."""

    def __init__(self) -> None:
        super().__init__(HEADER, "was used before with another payload")


class Kept(msgspec.Struct, frozen=True):
    """A first answer, as it is given again: headers are name and value texts."""

    status: int
    headers: list[tuple[str, str]]
    content: bytes


class Ledger(Protocol):
    """Where first answers are kept for 24 h, by actor (tenant and caller), method, path and key."""

    async def begin(self, actor: Actor, request: str, key: str, digest: str) -> Kept | None:
        """Take the key, or give the answer kept under it. `request` is "POST /path".

        Raises Conflict("in_flight") while the first is running and KeyReused for another digest.
        A key taken and never kept or dropped (the process died) must become free by itself.
        """

    async def keep(self, actor: Actor, request: str, key: str, kept: Kept) -> None:
        """Keep the first answer."""

    async def drop(self, actor: Actor, request: str, key: str) -> None:
        """Free the key: there is no answer worth keeping."""
