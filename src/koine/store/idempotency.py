"""Idempotency keys, each with the response of its first request."""

from collections.abc import Sequence

from msgspec import Struct, structs
from sqlalchemy import Text, and_, delete, select, update

from koine.store.core.db import Tx
from koine.store.core.expressions import in_list, insert_ignoring, values_table
from koine.store.core.statements import Command, InsertMany, Query, UpdateMany, param
from koine.store.core.types import Uuid
from koine.store.tables import idempotency_keys as t
from koine.store.tables.base import columns_of


class IdempotencyRecord(Struct, frozen=True):
    """One key: unused, claimed by a request that still runs, or with its stored response.

    `key_digest` is of the caller, the route and the client's key, `request_digest` of the body.
    While the first request runs, `status` is None and `headers` names the process that runs it.
    Afterwards `headers` is JSON text and `content` the body. A response that was too large to store
    has no `headers`, and its `content` names what the request created.
    """

    key_digest: str
    request_digest: str
    claimed_at: int
    status: int | None = None
    headers: str | None = None
    content: bytes | None = None


_ONE = and_(t.c.tenant_id == param("tenant_id"), t.c.key_digest == param("key_digest"))

_CLAIM = Command(
    insert_ignoring(
        t,
        {"tenant_id": param("tenant_id")}
        | {name: param(name) for name in IdempotencyRecord.__struct_fields__},
        index_elements=["tenant_id", "key_digest"],
    )
)
_CLAIM_MANY = InsertMany(
    t,
    ["tenant_id", "key_digest", "request_digest", "claimed_at", "headers"],
    on_conflict=["tenant_id", "key_digest"],
)
_WANTED = values_table(
    "wanted", {"tenant_id": Uuid(), "key_digest": Text(), "request_digest": Text()}
)
_CLAIMED = Query(
    select(t.c.tenant_id, t.c.key_digest).join_from(
        _WANTED,
        t,
        and_(
            t.c.tenant_id == _WANTED.c.tenant_id,
            t.c.key_digest == _WANTED.c.key_digest,
            t.c.request_digest == _WANTED.c.request_digest,
            t.c.claimed_at == param("now"),
            t.c.headers == param("runner"),
            t.c.status.is_(None),
        ),
    )
)
_SAVE_MANY = UpdateMany(t, ["tenant_id", "key_digest"], ["status", "headers", "content"])
_SAVE_UNCLAIMED_MANY = InsertMany(
    t,
    ["tenant_id", "key_digest", "request_digest", "claimed_at", "status", "headers", "content"],
    on_conflict=["tenant_id", "key_digest"],
)
_GET_MANY = Query(
    select(*columns_of(t, IdempotencyRecord)).where(
        t.c.tenant_id == param("tenant_id"), in_list(t.c.key_digest, "key_digests")
    ),
    IdempotencyRecord,
)
_GET = Query(select(*columns_of(t, IdempotencyRecord)).where(_ONE), IdempotencyRecord)
_RECLAIM = Command(
    update(t)
    .where(_ONE, t.c.claimed_at == param("old_claimed_at"))
    .values(
        request_digest=param("request_digest"),
        claimed_at=param("new_claimed_at"),
        status=None,
        headers=param("runner"),
        content=None,
    )
)
_RELEASE = Command(delete(t).where(_ONE))
_EXPIRED = (t.c.tenant_id == param("tenant_id"), t.c.claimed_at < param("before"))
_EXPIRED_KEYS = Query(select(t.c.key_digest).where(*_EXPIRED).limit(param("limit")), str)
_DELETE_EXPIRED = Command(delete(t).where(*_EXPIRED, in_list(t.c.key_digest, "key_digests")))


async def claim(tx: Tx, key_digest: str, request_digest: str, now: int, runner: str) -> bool:
    """Claim an unused key for a request that the process `runner` runs; False if it is in use."""
    row = IdempotencyRecord(key_digest, request_digest, now, headers=runner)
    return bool(await tx.run(_CLAIM, **structs.asdict(row)))


async def claim_many(
    tx: Tx, wanted: list[tuple[str, str, str]], now: int, runner: str
) -> set[tuple[str, str]]:
    """Claim unused keys, each a (tenant_id, key_digest, request_digest), none of them twice.

    Returns the (tenant_id, key_digest) of those that were unused.
    """
    rows = [(*each, now, runner) for each in sorted(wanted)]
    await tx.many(_CLAIM_MANY, rows)
    return set(await tx.all(_CLAIMED, wanted=wanted, now=now, runner=runner))


async def save_many(tx: Tx, rows: Sequence[tuple[str, str, int, str | None, bytes]]) -> None:
    """Save the responses of claimed keys: (tenant_id, key_digest, status, headers, content)."""
    await tx.many(_SAVE_MANY, sorted(rows))


async def save_unclaimed_many(
    tx: Tx, rows: Sequence[tuple[str, str, str, int, int, str | None, bytes]]
) -> None:
    """Save responses under keys that were not claimed before: (tenant_id, key_digest,
    request_digest, claimed_at, status, headers, content). A key in use by now is not changed."""
    await tx.many(_SAVE_UNCLAIMED_MANY, sorted(rows))


async def get_many(tx: Tx, keys: list[tuple[str, str]]) -> dict[tuple[str, str], IdempotencyRecord]:
    """The records of these (tenant_id, key_digest), without those that are unused."""
    found: dict[tuple[str, str], IdempotencyRecord] = {}
    for tenant_id in {tenant_id for tenant_id, _ in keys}:
        key_digests = [key_digest for of, key_digest in keys if of == tenant_id]
        rows = await tx.all(_GET_MANY, tenant_id=tenant_id, key_digests=key_digests)
        found |= {(tenant_id, row.key_digest): row for row in rows}
    return found


async def get(tx: Tx, key_digest: str) -> IdempotencyRecord | None:
    """The record of this key, or None."""
    return await tx.one(_GET, key_digest=key_digest)


async def reclaim(
    tx: Tx, old: IdempotencyRecord, request_digest: str, now: int, runner: str
) -> bool:
    """Claim an expired or abandoned key; False if another request did so first."""
    claimed = await tx.run(
        _RECLAIM,
        key_digest=old.key_digest,
        old_claimed_at=old.claimed_at,
        request_digest=request_digest,
        new_claimed_at=now,
        runner=runner,
    )
    return bool(claimed)


async def release(tx: Tx, key_digest: str) -> None:
    """Make the key unused again."""
    await tx.run(_RELEASE, key_digest=key_digest)


async def expired(tx: Tx, before: int, limit: int) -> list[str]:
    """At most `limit` of the tenant's keys that were claimed before `before` (µs)."""
    return await tx.all(_EXPIRED_KEYS, before=before, limit=limit)


async def delete_expired(tx: Tx, before: int, key_digests: list[str]) -> int:
    """Delete those of these keys that were not claimed again since; returns how many."""
    return await tx.run(_DELETE_EXPIRED, before=before, key_digests=key_digests)
