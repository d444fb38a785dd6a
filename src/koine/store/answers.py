"""First answers, kept by Idempotency-Key for a day, so that a retry gets the same one."""

from msgspec import Struct, structs
from sqlalchemy import and_, delete, select, update

from koine.store.db import Tx
from koine.store.fragments import in_list, insert_ignoring
from koine.store.sql import Command, Query, p
from koine.store.tables import answers as t
from koine.store.tables.base import columns_of


class KeptAnswer(Struct, frozen=True):
    """One key's row: `slot` is the digest of caller, request and key; `status` is None while the
    first call runs, whose process `headers` names then. Else `headers` is JSON text, `content` the
    body."""

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
_KEEP = Command(
    update(t)
    .where(_ONE)
    .values(status=p("new_status"), headers=p("new_headers"), content=p("new_content"))
)
_DROP = Command(delete(t).where(_ONE))
_OLD = (t.c.tenant_id == p("tenant_id"), t.c.taken_at < p("before"))
_OLD_SLOTS = Query(select(t.c.slot).where(*_OLD).limit(p("limit")), str)
_FORGET = Command(delete(t).where(*_OLD, in_list(t.c.slot, "slots")))


async def take(tx: Tx, slot: str, digest: str, now: int, runner: str) -> bool:
    """Take a free slot for a call that `runner` runs; False when it is taken."""
    taken = KeptAnswer(slot, digest, now, headers=runner)
    return bool(await tx.run(_TAKE, **structs.asdict(taken)))


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


async def keep(tx: Tx, slot: str, status: int, headers: str, content: bytes) -> None:
    """Put the first answer into its slot."""
    await tx.run(_KEEP, slot=slot, new_status=status, new_headers=headers, new_content=content)


async def drop(tx: Tx, slot: str) -> None:
    """Free the slot."""
    await tx.run(_DROP, slot=slot)


async def old(tx: Tx, before: int, limit: int) -> list[str]:
    """Slots of the tenant that were taken before a time (µs), so many at most."""
    return await tx.all(_OLD_SLOTS, before=before, limit=limit)


async def forget(tx: Tx, before: int, slots: list[str]) -> int:
    """Free these slots, but for those that were taken anew since; answers how many."""
    return await tx.run(_FORGET, before=before, slots=slots)
