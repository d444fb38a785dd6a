"""The decorators that make operations of the engine.

An operation is one transaction. Its body takes the transaction first (and, if it writes, the time)
and awaits nothing else, since a transaction may be run twice and holds locks. Decorated, it is
called with the engine in their place:

    conversation = await conversations.get(engine, actor, conversation_id)

A function whose name ends in `_tx` is no operation: it runs in the transaction of its caller. So
does the body of an operation, as `get.in_tx(tx, actor, conversation_id)`.
"""

import functools
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Concatenate, Generic, ParamSpec, TypeVar

from koine.engine.core.engine import Engine
from koine.engine.core.search_slots import search_slot
from koine.model.actor import Actor
from koine.store.core.db import Tx

P = ParamSpec("P")
R = TypeVar("R")


class ReadOperation(Generic[P, R]):
    """An operation that only reads. `in_tx` is its body, for the transactions of others."""

    def __init__(self, body: Callable[Concatenate[Tx, Actor, P], Awaitable[R]], long: bool) -> None:
        self.in_tx = body
        self._long = long
        functools.update_wrapper(self, body)

    async def __call__(self, engine: Engine, actor: Actor, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it in one read transaction of the actor's tenant."""
        if not self._long:
            return await engine.db.read(actor.tenant_id, self.in_tx, actor, *args, **kwargs)
        async with search_slot(engine.search_slots, actor):
            return await engine.db.read_long(actor.tenant_id, self.in_tx, actor, *args, **kwargs)


class WriteOperation(Generic[P, R]):
    """An operation that writes. `in_tx` is its body, for the transactions of others."""

    def __init__(
        self, body: Callable[Concatenate[Tx, int, Actor, P], Awaitable[R]], rights: bool = False
    ) -> None:
        self.in_tx = body
        self._rights = rights
        functools.update_wrapper(self, body)

    async def __call__(self, engine: Engine, actor: Actor, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it in one transaction of the actor's tenant; when this returns it is on disk."""
        now = engine.clock.now()
        with engine.changing_rights() if self._rights else nullcontext():
            return await engine.db.write(actor.tenant_id, self.in_tx, now, actor, *args, **kwargs)


def read_tx(body: Callable[Concatenate[Tx, Actor, P], Awaitable[R]]) -> ReadOperation[P, R]:
    """Make an operation of a body that reads a few rows by an index."""
    return ReadOperation(body, long=False)


def long_read_tx(body: Callable[Concatenate[Tx, Actor, P], Awaitable[R]]) -> ReadOperation[P, R]:
    """Make an operation of a body that may read many rows, such as a search. It waits for a slot
    (`engine.search_slots`) and never delays short reads. Raises Unavailable when too many wait."""
    return ReadOperation(body, long=True)


def write_tx(body: Callable[Concatenate[Tx, int, Actor, P], Awaitable[R]]) -> WriteOperation[P, R]:
    """Make an operation of a body that changes rows; `now` is when the transaction began (µs)."""
    return WriteOperation(body)


def rights_write_tx(
    body: Callable[Concatenate[Tx, int, Actor, P], Awaitable[R]],
) -> WriteOperation[P, R]:
    """As `write_tx`, for a body that changes somebody's rights or ends a credential: this node then
    forgets its cached credentials. Other nodes do so when they read the event."""
    return WriteOperation(body, rights=True)
