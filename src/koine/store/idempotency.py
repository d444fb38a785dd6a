"""Idempotency keys and the first response under each, kept for a day."""

from collections.abc import Sequence

from msgspec import Struct, structs
from sqlalchemy import Text, and_, delete, select, update

from koine.store.core.db import Tx
from koine.store.core.expressions import in_list, insert_ignoring, values_table
from koine.store.core.statements import Command, InsertMany, Query, UpdateMany, p
from koine.store.core.types import Uuid
from koine.store.tables import idempotency_keys as t
from koine.store.tables.base import columns_of


class IdempotencyRecord(Struct, frozen=True):
    """`slot` is the digest of caller, request and key; `digest` that of the payload. `status` is
    None while the first call runs; `headers` then names the process that runs it. Later `headers`
    is JSON text and `content` the body. Without `headers` the response was too large to be stored,
    and `content` names what the call created."""

    slot: str
    digest: str
    taken_at: int
    status: int | None = None
    headers: str | None = None
    content: bytes | None = None


_ONE = and_(t.c.tenant_id == p("tenant_id"), t.c.slot == p("slot"))

_CLAIM = Command(
    insert_ignoring(
        t,
        {"tenant_id": p("tenant_id")}
        | {name: p(name) for name in IdempotencyRecord.__struct_fields__},
        index_elements=["tenant_id", "slot"],
    )
)
_CLAIM_MANY = InsertMany(
    t,
    ["tenant_id", "slot", "digest", "taken_at", "headers"],
    on_conflict=["tenant_id", "slot"],
)
_WANTED = values_table("wanted", {"tenant_id": Uuid(), "slot": Text(), "digest": Text()})
_CLAIMED = Query(
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
_SAVE_MANY = UpdateMany(t, ["tenant_id", "slot"], ["status", "headers", "content"])
_SAVE_UNCLAIMED_MANY = InsertMany(
    t,
    ["tenant_id", "slot", "digest", "taken_at", "status", "headers", "content"],
    on_conflict=["tenant_id", "slot"],
)
_GET_MANY = Query(
    select(*columns_of(t, IdempotencyRecord)).where(
        t.c.tenant_id == p("tenant_id"), in_list(t.c.slot, "slots")
    ),
    IdempotencyRecord,
)
_GET = Query(select(*columns_of(t, IdempotencyRecord)).where(_ONE), IdempotencyRecord)
_RECLAIM = Command(
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
_RELEASE = Command(delete(t).where(_ONE))
_EXPIRED = (t.c.tenant_id == p("tenant_id"), t.c.taken_at < p("before"))
_EXPIRED_SLOTS = Query(select(t.c.slot).where(*_EXPIRED).limit(p("limit")), str)
_DELETE_EXPIRED = Command(delete(t).where(*_EXPIRED, in_list(t.c.slot, "slots")))


async def claim(tx: Tx, slot: str, digest: str, now: int, runner: str) -> bool:
    """Claim a free slot for a call that the process `runner` runs; False when it is taken."""
    row = IdempotencyRecord(slot, digest, now, headers=runner)
    return bool(await tx.run(_CLAIM, **structs.asdict(row)))


async def claim_many(
    tx: Tx, wanted: list[tuple[str, str, str]], now: int, runner: str
) -> set[tuple[str, str]]:
    """Claim free slots, each given by tenant, slot and digest; returns tenant and slot of those
    that were free. No slot may be given twice."""
    rows = [(*each, now, runner) for each in sorted(wanted)]
    await tx.many(_CLAIM_MANY, rows)
    return set(await tx.all(_CLAIMED, wanted=wanted, now=now, runner=runner))


async def save_many(tx: Tx, rows: Sequence[tuple[str, str, int, str | None, bytes]]) -> None:
    """Save first responses in claimed slots, one each: tenant, slot, status, headers, content."""
    await tx.many(_SAVE_MANY, sorted(rows))


async def save_unclaimed_many(
    tx: Tx, rows: Sequence[tuple[str, str, str, int, int, str | None, bytes]]
) -> None:
    """Save first responses in slots that nobody claimed: tenant, slot, digest, when (µs), status,
    headers, content. A slot that is taken by now stays as it is."""
    await tx.many(_SAVE_UNCLAIMED_MANY, sorted(rows))


async def get_many(
    tx: Tx, sought: list[tuple[str, str]]
) -> dict[tuple[str, str], IdempotencyRecord]:
    """The rows of slots, each given by tenant and slot; free slots are left out."""
    found: dict[tuple[str, str], IdempotencyRecord] = {}
    for tenant_id in {tenant_id for tenant_id, _ in sought}:
        slots = [slot for of, slot in sought if of == tenant_id]
        rows = await tx.all(_GET_MANY, tenant_id=tenant_id, slots=slots)
        found |= {(tenant_id, row.slot): row for row in rows}
    return found


async def get(tx: Tx, slot: str) -> IdempotencyRecord | None:
    """The row of a slot."""
    return await tx.one(_GET, slot=slot)


async def reclaim(tx: Tx, old: IdempotencyRecord, digest: str, now: int, runner: str) -> bool:
    """Claim a slot that is expired or abandoned; False when another call was quicker."""
    claimed = await tx.run(
        _RECLAIM,
        slot=old.slot,
        old_taken_at=old.taken_at,
        digest=digest,
        new_taken_at=now,
        runner=runner,
    )
    return bool(claimed)


async def release(tx: Tx, slot: str) -> None:
    """Free the slot."""
    await tx.run(_RELEASE, slot=slot)


async def expired(tx: Tx, before: int, limit: int) -> list[str]:
    """Slots of the tenant that were taken before a time (µs), at most `limit`."""
    return await tx.all(_EXPIRED_SLOTS, before=before, limit=limit)


async def delete_expired(tx: Tx, before: int, slots: list[str]) -> int:
    """Delete these slots, but for those that were taken again since; returns how many."""
    return await tx.run(_DELETE_EXPIRED, before=before, slots=slots)
