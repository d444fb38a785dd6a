"""First answers, kept by Idempotency-Key for a day, so that a retry gets the same one."""

from msgspec import Struct, structs
from sqlalchemy import and_, delete, select, update

from koine.store.db import Tx
from koine.store.fragments import insert_ignoring
from koine.store.sql import Command, Query, p
from koine.store.tables import answers as t
from koine.store.tables.base import columns_of


class KeptAnswer(Struct, frozen=True):
    """One key's row: `slot` is the digest of caller, request and key; `status` is None while the
    first call runs. `headers` is JSON text, `content` the body; while the first call runs, `headers`
    names the process that runs it."""

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
_PURGE = Command(
    delete(t).where(t.c.tenant_id == p("tenant_id"), t.c.taken_at < p("before")),
)


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


async def purge(tx: Tx, before: int) -> int:
    """Forget the tenant's answers from before a time (µs); answers how many."""
    return await tx.run(_PURGE, before=before)
