"""Attempts to log in, counted for all processes together: a token bucket for each key.

A bucket is one number, the time at which it is full again (the "generic cell rate algorithm"): an
attempt moves it on by the time in which one attempt is granted, but not further than a window from
now. A bucket without a row is full, so a row may be deleted once its time has come.
"""

from sqlalchemy import case, delete, select, update

from koine.kit.times import SECOND
from koine.store.core.db import Tx
from koine.store.core.expressions import upsert
from koine.store.core.statements import Command, Query, param
from koine.store.tables import login_attempts as t

CROSSES_TENANTS = "who logs in belongs to no tenant yet"
_MINE = t.c.key_digest == param("key_digest")
_TAKE = Query(
    upsert(
        t,
        {"key_digest": param("key_digest"), "full_at": param("first_full_at")},
        ["key_digest"],
        lambda new: {
            "full_at": case(
                (t.c.full_at > param("now"), t.c.full_at + param("cost")), else_=new.full_at
            )
        },
        where=t.c.full_at <= param("latest"),
    ).returning(t.c.full_at),
    int,
    crosses_tenants=CROSSES_TENANTS,
)
_FULL_AT = Query(select(t.c.full_at).where(_MINE), int, crosses_tenants=CROSSES_TENANTS)
_GIVE_BACK = Command(
    update(t).where(_MINE).values(full_at=t.c.full_at - param("cost")),
    crosses_tenants=CROSSES_TENANTS,
)
_FILL = Command(delete(t).where(_MINE), crosses_tenants=CROSSES_TENANTS)
_DELETE_BEFORE = Command(
    delete(t).where(t.c.full_at < param("before")), crosses_tenants=CROSSES_TENANTS
)


async def take(tx: Tx, key_digest: str, now: int, cost: int, window: int) -> int | None:
    """Count an attempt that costs `cost` of a `window` (µs). None when it is allowed, else when the
    next one will be (µs)."""
    given = {"key_digest": key_digest, "now": now, "cost": cost}
    # Clocks of processes differ, and who read the time first may be served second. The slack
    # forgives that. It is less than an attempt costs, so it never lets one more through at once.
    slack = min(SECOND, cost // 2)
    latest = now + window - cost + slack
    if await tx.one(_TAKE, **given, first_full_at=now + cost, latest=latest) is not None:
        return None
    full_at = await tx.one(_FULL_AT, key_digest=key_digest) or now
    return max(now, full_at - (window - cost) - slack)


async def give_back(tx: Tx, key_digest: str, cost: int) -> None:
    """Take back an attempt that was counted."""
    await tx.run(_GIVE_BACK, key_digest=key_digest, cost=cost)


async def fill(tx: Tx, key_digest: str) -> None:
    """Take back all attempts that were counted."""
    await tx.run(_FILL, key_digest=key_digest)


async def delete_before(tx: Tx, before: int) -> int:
    """Delete buckets that were full before a time (µs), which means nothing any more; returns how
    many. There are few: an address has no more than its limit in a minute."""
    return await tx.run(_DELETE_BEFORE, before=before)
