"""What keeps the first answers of Idempotency-Keys: asked by the HTTP floor, wired by main."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from koine.engine import answers
from koine.engine.answers import KeyReused
from koine.kit.ids import new_id
from koine.model.errors import Conflict

if TYPE_CHECKING:
    from koine.engine.engine import Engine
    from koine.model.actor import Actor

__all__ = ["HEADER", "Answers", "Kept", "KeyReused", "Ledger"]

HEADER = "Idempotency-Key"

Place = tuple[str, str, str, str]
"""Tenant, caller, request and key: what a first answer is the answer to."""


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
        self._runner = ""
        self._running: dict[Place, str] = {}

    async def begin(self, actor: Actor, request: str, key: str, digest: str) -> Kept | None:
        """Take the key, or give the answer kept under it. See `Ledger.begin`.

        What this process runs it knows; what it took and does not run any more (its end could not
        be written: the database was gone) is free at once, not only after a while.
        """
        place = _place(actor, request, key)
        if place in self._running:
            if self._running[place] != digest:
                raise KeyReused
            raise Conflict("in_flight", "the first call under this key is running")
        self._running[place] = digest
        taken = False
        try:
            asked = answers.Call(digest, await self._name())
            found = await answers.begin(self._engine, actor, request, key, asked)
            taken = found is None
        finally:
            if not taken:
                del self._running[place]
        if found is None or found.status is None:
            return None
        headers = msgspec.json.decode(found.headers or "[]", type=list[tuple[str, str]])
        return Kept(found.status, headers, bytes(found.content or b""))

    async def keep(self, actor: Actor, request: str, key: str, kept: Kept) -> None:
        """Keep the first answer."""
        headers = msgspec.json.encode(kept.headers).decode()
        answer = (kept.status, headers, kept.content)
        try:
            await answers.keep(self._engine, actor, request, key, answer)
        finally:
            self._running.pop(_place(actor, request, key), None)

    async def drop(self, actor: Actor, request: str, key: str) -> None:
        """Free the key."""
        try:
            await answers.drop(self._engine, actor, request, key)
        finally:
            self._running.pop(_place(actor, request, key), None)

    async def _name(self) -> str:
        """This process among those that serve the database. Where only one can, the next one has
        the same name: it is heir to what a killed one left."""
        if not self._runner:
            self._runner = new_id() if await self._engine.db.home() else "alone"
        return self._runner


def _place(actor: Actor, request: str, key: str) -> Place:
    caller = actor.key_id or actor.identity_id or actor.kind
    return actor.tenant_id, caller, request, key
