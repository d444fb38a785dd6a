"""What keeps the first answers of Idempotency-Keys: asked by the HTTP floor, wired by main."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from koine.engine import answers
from koine.engine.answers import KeyReused
from koine.http.answer_budgets import AnswerBudgets
from koine.kit import metrics
from koine.kit.ids import new_id
from koine.kit.together import Together
from koine.model.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from koine.engine.engine import Engine
    from koine.model.actor import Actor
    from koine.store.answers import KeptAnswer

__all__ = ["HEADER", "Answers", "Kept", "KeyReused", "Ledger"]

HEADER = "Idempotency-Key"

Place = tuple[str, str, str, str]
"""Tenant, caller, request and key: what a first answer is the answer to."""


class Kept(msgspec.Struct, frozen=True):
    """A first answer, as it is given again: headers are name and value texts.

    One that is not `whole` was too large to be kept: of it there is only its status and `made`,
    what the call noted for the route's `again`.
    """

    status: int
    headers: list[tuple[str, str]]
    content: bytes
    made: str = ""
    whole: bool = True


class _Running(NamedTuple):
    """A call of this process: its payload, whether it got its key, and whether what it writes is
    under the key for good."""

    digest: str
    took_it: asyncio.Future[bool]
    keyed: bool


class Ledger(Protocol):
    """Where first answers are kept for 24 h, by actor (tenant and caller), method, path and key."""

    async def begin(
        self, actor: Actor, request: str, key: str, digest: str, keyed: bool = False
    ) -> Kept | None:
        """Take the key, or give the answer kept under it. `request` is "POST /path". `keyed`: what
        the call writes carries the key for good, and running it again writes nothing more.

        Raises Conflict("in_flight") while the first is running and KeyReused for another digest.
        A key taken and never kept or dropped (the process died) must become free by itself.
        """

    async def keep(self, actor: Actor, request: str, key: str, kept: Kept) -> None:
        """Keep the first answer, or of one that is too large what says that it was given."""

    async def drop(self, actor: Actor, request: str, key: str) -> None:
        """Free the key: there is no answer worth keeping."""


class Answers:
    """The ledger whose rows are in the database: every node gives the same first answer.

    The key of a call that is not `keyed` is taken before it runs, and its answer kept before it is
    given. A keyed call's key is in what it writes: its answer is kept while it is given already,
    and if the process dies in between, the call is run again and finds what it wrote.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._budget = AnswerBudgets(engine.settings)
        self._runner = ""
        self._running: dict[Place, _Running] = {}
        self._begins = Together(self._begin_many)
        self._keeps = Together(self._keep_many)
        self._looks = Together(self._look_many, most=128)
        self._leaves = Together(self._leave_many, most=512, rounds=1)
        self._given: dict[Place, tuple[str, Kept]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(
        self, actor: Actor, request: str, key: str, digest: str, keyed: bool = False
    ) -> Kept | None:
        """Take the key, or give the answer kept under it. See `Ledger.begin`.

        What this process runs it knows; what it took and does not run any more (its end could not
        be written: the database was gone) is free at once, not only after a while.
        """
        place = _place(actor, request, key)
        while place in self._running:
            first = self._running[place]
            # Not known to be running yet, it may only be asking for what is kept.
            if await asyncio.shield(first.took_it):
                if first.digest != digest:
                    raise KeyReused
                raise Conflict("in_flight", "the first call under this key is running")
        if place in self._given:
            given_to, given = self._given[place]
            if given_to != digest:
                raise KeyReused
            return given
        took_it = asyncio.get_running_loop().create_future()
        self._running[place] = _Running(digest, took_it, keyed)
        kept, taken = None, False
        try:
            asking = answers.Asked(actor, request, key, digest)
            if keyed:
                found = await self._looks.do(asking)
                kept = _read(answers.told(found, asking, self._engine.clock.now()))
                taken = kept is None
            else:
                taken = await self._begins.do(asking)
            if not taken and kept is None:
                asked = answers.Call(digest, await self._name())
                kept = _read(await answers.begin(self._engine, actor, request, key, asked))
                taken = kept is None
        finally:
            if not taken:
                del self._running[place]
            took_it.set_result(taken)
        return kept

    async def keep(self, actor: Actor, request: str, key: str, kept: Kept) -> None:
        """Keep the first answer; a keyed call's soon."""
        place = _place(actor, request, key)
        running = self._running.get(place)
        headers: str | None = msgspec.json.encode(kept.headers).decode()
        size = len(headers or "") + len(kept.content)
        if not self._budget.take(actor, size, self._engine.clock.now()):
            metrics.ANSWERS_NOT_KEPT.inc()
            kept = Kept(kept.status, [], b"", kept.made, whole=False)
            headers = None
        content = kept.content if kept.whole else kept.made.encode()
        made = answers.Answered(actor, request, key, kept.status, headers, content)
        try:
            if running is None or not running.keyed:
                await self._keeps.do(made)
                return
            self._given[place] = running.digest, kept
            made = msgspec.structs.replace(made, digest=running.digest)
            task = asyncio.create_task(self._leave(place, made))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        finally:
            self._running.pop(place, None)

    async def drop(self, actor: Actor, request: str, key: str) -> None:
        """Free the key."""
        running = self._running.get(_place(actor, request, key))
        try:
            if running is None or not running.keyed:
                await answers.drop(self._engine, actor, request, key)
        finally:
            self._running.pop(_place(actor, request, key), None)

    async def _begin_many(self, asked: list[answers.Asked]) -> list[bool]:
        return await answers.begin_many(self._engine, asked, await self._name())

    async def _keep_many(self, made: list[answers.Answered]) -> list[None]:
        await answers.keep_many(self._engine, made)
        return [None] * len(made)

    async def _look_many(self, asked: list[answers.Asked]) -> list[KeptAnswer | None]:
        return await answers.look_many(self._engine, asked)

    async def _leave_many(self, made: list[answers.Answered]) -> list[None]:
        await answers.leave_many(self._engine, made)
        return [None] * len(made)

    async def _leave(self, place: Place, made: answers.Answered) -> None:
        try:
            await self._leaves.do(made)
        except Unavailable:
            # The message has the key: a retry finds it.
            return
        finally:
            self._given.pop(place, None)

    async def _name(self) -> str:
        """This process among those that serve the database. Where only one can, the next one has
        the same name: it is heir to what a killed one left."""
        if not self._runner:
            self._runner = new_id() if await self._engine.db.home() else "alone"
        return self._runner


def _read(found: KeptAnswer | None) -> Kept | None:
    if found is None or found.status is None:
        return None
    content = bytes(found.content or b"")
    if found.headers is None:
        return Kept(found.status, [], b"", content.decode(), whole=False)
    headers = msgspec.json.decode(found.headers, type=list[tuple[str, str]])
    return Kept(found.status, headers, content)


def _place(actor: Actor, request: str, key: str) -> Place:
    return actor.tenant_id, actor.caller, request, key
