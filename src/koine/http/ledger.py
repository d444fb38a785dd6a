"""What keeps the first answers of Idempotency-Keys: asked by the HTTP floor, wired by main."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from koine.engine import answers
from koine.engine.answers import KeyReused

if TYPE_CHECKING:
    from koine.engine.engine import Engine
    from koine.model.actor import Actor

__all__ = ["HEADER", "Answers", "Kept", "KeyReused", "Ledger"]

HEADER = "Idempotency-Key"


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


class Answers:
    """The ledger whose rows are in the database: every node gives the same first answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def begin(self, actor: Actor, request: str, key: str, digest: str) -> Kept | None:
        """Take the key, or give the answer kept under it. See `Ledger.begin`."""
        found = await answers.begin(self._engine, actor, request, key, digest)
        if found is None or found.status is None:
            return None
        headers = msgspec.json.decode(found.headers or "[]", type=list[tuple[str, str]])
        return Kept(found.status, headers, bytes(found.content or b""))

    async def keep(self, actor: Actor, request: str, key: str, kept: Kept) -> None:
        """Keep the first answer."""
        headers = msgspec.json.encode(kept.headers).decode()
        await answers.keep(self._engine, actor, request, key, (kept.status, headers, kept.content))

    async def drop(self, actor: Actor, request: str, key: str) -> None:
        """Free the key."""
        await answers.drop(self._engine, actor, request, key)
