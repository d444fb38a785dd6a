"""First answers, kept by Idempotency-Key for a day, so that a retry gets the same one."""

from collections.abc import Sequence

from msgspec import Struct, structs
from sqlalchemy import Text, and_, delete, select, update

from koine.store.db import Tx
from koine.store.fragments import in_list, insert_ignoring, values_table
from koine.store.sql import Command, InsertMany, Query, UpdateMany, p
from koine.store.tables import answers as t
from koine.store.tables.base import columns_of
from koine.store.types import Uuid


class KeptAnswer(Struct, frozen=True):
    """One key's row: `slot` is the digest of caller, request and key; `status` is None while the
    first call runs, whose process `headers` names then. Else `headers` is JSON text, `content` the
    body; without `headers` the answer was too large to be kept, and `content` names what it was."""

    slot: str
    digest: str
    taken_at: int
    status: int | None = None
    headers: str | None = None
    content: bytes | None = None


_ONE = and_(t.c.tenant_id == p("tenant_id"), t.c.slot == p("slot"))

_TAKE = Command(
    insert_ignoring(
        t,
        {"tenant_id": p("tenant_id")} | {name: p(name) for name in KeptAnswer.__struct_fields__},
        index_elements=["tenant_id", "slot"],
    )
)
_TAKE_MANY = InsertMany(
    t,
    ["tenant_id", "slot", "digest", "taken_at", "headers"],
    on_conflict=["tenant_id", "slot"],
)
_WANTED = values_table("wanted", {"tenant_id": Uuid(), "slot": Text(), "digest": Text()})
_TAKEN = Query(
    select(t.c.tenant_id, t.c.slot).join_from(
        _WANTED,
        t,
        and_(
            t.c.tenant_id == _WANTED.c.tenant_id,
            t.c.slot == _WANTED.c.slot,
            t.c.digest == _WANTED.c.digest,
            t.c.taken_at == p("now"),
            t.c.headers == p("runner"),
            t.c.status.is_(None),
        ),
    )
)
_KEEP_MANY = UpdateMany(t, ["tenant_id", "slot"], ["status", "headers", "content"])
_LEAVE_MANY = InsertMany(
    t,
    ["tenant_id", "slot", "digest", "taken_at", "status", "headers", "content"],
    on_conflict=["tenant_id", "slot"],
)
_GET_MANY = Query(
    select(*columns_of(t, KeptAnswer)).where(
        t.c.tenant_id == p("tenant_id"), in_list(t.c.slot, "slots")
    ),
    KeptAnswer,
)
_GET = Query(select(*columns_of(t, KeptAnswer)).where(_ONE), KeptAnswer)
_TAKE_OVER = Command(
    update(t)
    .where(_ONE, t.c.taken_at == p("old_taken_at"))
    .values(
        digest=p("digest"),
        taken_at=p("new_taken_at"),
        status=None,
        headers=p("runner"),
        content=None,
    )
)
_DROP = Command(delete(t).where(_ONE))
_OLD = (t.c.tenant_id == p("tenant_id"), t.c.taken_at < p("before"))
_OLD_SLOTS = Query(select(t.c.slot).where(*_OLD).limit(p("limit")), str)
_FORGET = Command(delete(t).where(*_OLD, in_list(t.c.slot, "slots")))


async def take(tx: Tx, slot: str, digest: str, now: int, runner: str) -> bool:
    """Take a free slot for a call that `runner` runs; False when it is taken."""
    taken = KeptAnswer(slot, digest, now, headers=runner)
    return bool(await tx.run(_TAKE, **structs.asdict(taken)))


async def take_many(
    tx: Tx, wanted: list[tuple[str, str, str]], now: int, runner: str
) -> set[tuple[str, str]]:
    """Take free slots, each said by tenant, slot and digest; answers tenant and slot of those that
    were free. A slot comes once."""
    rows = [(*each, now, runner) for each in sorted(wanted)]
    await tx.many(_TAKE_MANY, rows)
    return set(await tx.all(_TAKEN, wanted=wanted, now=now, runner=runner))


async def keep_many(tx: Tx, rows: Sequence[tuple[str, str, int, str | None, bytes]]) -> None:
    """Put first answers into their slots, each once: tenant, slot, status, headers, body."""
    await tx.many(_KEEP_MANY, sorted(rows))


async def leave_many(
    tx: Tx, rows: Sequence[tuple[str, str, str, int, int, str | None, bytes]]
) -> None:
    """Put first answers into slots that nobody took: tenant, slot, digest, when (µs), status,
    headers, body. What is in a slot already stays."""
    await tx.many(_LEAVE_MANY, sorted(rows))


async def get_many(tx: Tx, sought: list[tuple[str, str]]) -> dict[tuple[str, str], KeptAnswer]:
    """What slots hold, each said by its tenant; those that are free are left out."""
    found: dict[tuple[str, str], KeptAnswer] = {}
    for tenant_id in {tenant_id for tenant_id, _ in sought}:
        slots = [slot for of, slot in sought if of == tenant_id]
        kept = await tx.all(_GET_MANY, tenant_id=tenant_id, slots=slots)
        found |= {(tenant_id, each.slot): each for each in kept}
    return found


async def get(tx: Tx, slot: str) -> KeptAnswer | None:
    """What a slot holds."""
    return await tx.one(_GET, slot=slot)


async def take_over(tx: Tx, old: KeptAnswer, digest: str, now: int, runner: str) -> bool:
    """Take a slot that is too old or was left behind; False when another was quicker."""
    taken = await tx.run(
        _TAKE_OVER,
        slot=old.slot,
        old_taken_at=old.taken_at,
        digest=digest,
        new_taken_at=now,
        runner=runner,
    )
    return bool(taken)


async def drop(tx: Tx, slot: str) -> None:
    """Free the slot."""
    await tx.run(_DROP, slot=slot)


async def old(tx: Tx, before: int, limit: int) -> list[str]:
    """Slots of the tenant that were taken before a time (µs), so many at most."""
    return await tx.all(_OLD_SLOTS, before=before, limit=limit)


async def forget(tx: Tx, before: int, slots: list[str]) -> int:
    """Free these slots, but for those that were taken anew since; answers how many."""
    return await tx.run(_FORGET, before=before, slots=slots)
