"""Who is the same person, and the credentials that an erasure ends."""

from sqlalchemy import delete, func, or_, select, update

from koine.model.identity import Identity
from koine.store.core.db import Tx
from koine.store.core.expressions import contains_text, in_list
from koine.store.core.statements import Command, Query, param
from koine.store.tables import api_keys, contact_inboxes, identities, sessions
from koine.store.tables.base import columns_of

_i, _c = identities.c, contact_inboxes.c
_IN_TENANT = _i.tenant_id == param("tenant_id")
_MERGED_INTO = Query(select(_i.id).where(_IN_TENANT, in_list(_i.merged_into, "ids")), str)
_CLAIMANTS = Query(select(_i.id, _i.claims).where(_IN_TENANT, _i.claims != "{}"))
_SIMILAR = Query(
    select(*columns_of(identities, Identity))
    .where(
        _IN_TENANT,
        in_list(_i.kind, "kinds"),
        or_(_i.email == param("email"), _i.phone == param("phone")),
    )
    .order_by(_i.id)
    .limit(param("limit")),
    Identity,
)
_SEARCH = Query(
    select(*columns_of(identities, Identity))
    .where(
        _IN_TENANT,
        in_list(_i.kind, "kinds"),
        _i.merged_into.is_(None),
        or_(
            contains_text(_i.search_names, "search"),
            contains_text(_i.search_details, "search"),
            _i.identifier == param("exact"),
        ),
    )
    .order_by(_i.id)
    .limit(param("limit")),
    Identity,
)
_DELETE_SESSIONS = Command(
    delete(sessions).where(
        sessions.c.tenant_id == param("tenant_id"), in_list(sessions.c.user_id, "ids")
    )
)
_KEYS = Query(
    select(api_keys.c.id).where(
        api_keys.c.tenant_id == param("tenant_id"), in_list(api_keys.c.user_id, "ids")
    ),
    str,
)
_REVOKE_KEYS = Command(
    update(api_keys)
    .where(api_keys.c.tenant_id == param("tenant_id"), in_list(api_keys.c.user_id, "ids"))
    .values(
        name=param("new_name"),
        revoked_at=func.coalesce(api_keys.c.revoked_at, param("now", api_keys.c.revoked_at.type)),
    )
)
_DELETE_CONTACT_INBOXES = Command(
    delete(contact_inboxes).where(_c.tenant_id == param("tenant_id"), in_list(_c.contact_id, "ids"))
)


async def merged_into(tx: Tx, ids: list[str]) -> list[str]:
    """The ids of the contacts that were merged into one of these."""
    return await tx.all(_MERGED_INTO, ids=ids)


async def claimants(tx: Tx) -> list[tuple[str, str]]:
    """The ids and claims (JSON text) of all identities of the tenant that have some."""
    return [(row[0], row[1]) for row in await tx.all(_CLAIMANTS)]


async def similar(
    tx: Tx, kinds: list[str], email: str | None, phone: str | None, limit: int
) -> list[Identity]:
    """The people with this e-mail or phone, removed ones too."""
    return await tx.all(_SIMILAR, kinds=kinds, email=email, phone=phone, limit=limit)


async def search(tx: Tx, kinds: list[str], text: str, limit: int) -> list[Identity]:
    """The people whose names, e-mail, phone, identifier or company have the text, removed ones
    too. It reads every row: for `read_long`."""
    return await tx.all(_SEARCH, kinds=kinds, search=text, exact=text, limit=limit)


async def delete_sessions(tx: Tx, ids: list[str]) -> int:
    """Delete every session of these users; returns how many."""
    return await tx.run(_DELETE_SESSIONS, ids=ids)


async def key_ids(tx: Tx, ids: list[str]) -> list[str]:
    """The API keys that act as these users, revoked ones too."""
    return await tx.all(_KEYS, ids=ids)


async def revoke_keys(tx: Tx, ids: list[str], name: str, now: int) -> int:
    """Revoke the API keys that act as these users, and rename them; returns how many."""
    return await tx.run(_REVOKE_KEYS, ids=ids, new_name=name, now=now)


async def delete_contact_inboxes(tx: Tx, ids: list[str]) -> int:
    """Delete the contact inboxes of these contacts, with their tokens; returns how many."""
    return await tx.run(_DELETE_CONTACT_INBOXES, ids=ids)
