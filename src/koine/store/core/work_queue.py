"""Rows of work that nodes share: each is claimed by one node for a time, and settled by it."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Table, select

from koine.store.core.db import Tx
from koine.store.core.statements import Query, UpdateMany, param


class ClaimedRow(Struct, frozen=True):
    """A row that this node may work on until its lease ends: its key, what was read with it, and
    the version of the lease, by which `settle` knows whether the claim still stands."""

    key: tuple[Any, ...]
    values: tuple[Any, ...]
    lease_version: int


class WorkQueue:
    """The claims of a table of work.

    The table has a `state` ('pending' while there is work), the time `due_at` (µs), a
    `lease_version`, and a primary key that begins with `tenant_id`. All columns of the key but the
    last name a queue: whom the work is for, such as one endpoint. `read` are columns that a claim
    reads, `results` are those that `settle` writes.

    A claim is a short transaction; the work itself is done outside of any. While a row is claimed
    its `due_at` is the end of the lease: when the node dies, the row is due again by itself, and
    no node has to notice. Each claim adds one to `lease_version`, and `settle` changes only rows
    that still have the version of the claim: a node that was slower than its lease changes
    nothing. Work may so be done twice, when a node dies or is slow, but is never lost; what is
    done outside has to bear that (receivers of webhooks know an event by its id).
    """

    def __init__(
        self, table: Table, key: Sequence[str], *, read: Sequence[str], results: Sequence[str]
    ) -> None:
        t = table
        *queue, last = key
        self._queue = tuple(queue)
        # SKIP LOCKED: a second node that claims at the same time takes the next rows instead of
        # waiting for the first node's commit, only to find that its rows are taken.
        self._due = Query(
            select(t.c[last], *(t.c[name] for name in read), t.c.lease_version)
            .where(
                *(t.c[name] == param(name) for name in queue),
                t.c.state == "pending",
                t.c.due_at <= param("now"),
            )
            .order_by(t.c.due_at, t.c[last])
            .limit(param("at_most"))
            .with_for_update(skip_locked=True)
        )
        self._lease = UpdateMany(t, list(key), ["due_at", "lease_version"])
        self.settle = UpdateMany(t, [*key, "lease_version"], list(results))
        """Run with `Tx.many` or `Tx.execute_together`; rows are key, lease version, results."""

    async def claim(
        self, tx: Tx, wanted: Sequence[tuple[tuple[Any, ...], int]], now: int, until: int
    ) -> list[ClaimedRow]:
        """Claim due rows, oldest due first, until `until` (µs): of each queue in `wanted` at most
        so many."""
        claimed = [
            ClaimedRow((*queue, last), tuple(values), version + 1)
            for queue, at_most in wanted
            for last, *values, version in await tx.all(
                self._due, **dict(zip(self._queue, queue, strict=True)), now=now, at_most=at_most
            )
        ]
        await tx.many(self._lease, [(*c.key, until, c.lease_version) for c in claimed])
        return claimed
