"""Check the identities that a request names: they must exist in the tenant and not be removed.

Only new references are checked. Identities that the server adds by itself (a delivery's driver and
customer) are left out when they were removed; those that a row has already are no change.
"""

from collections.abc import Iterable

from koine.model.errors import Invalid, NotFound
from koine.model.identity import Identity, IdentityKind
from koine.store.core.db import Tx
from koine.store.people import identities


async def check_participants(tx: Tx, wanted: list[str]) -> None:
    """Raise Invalid("participants"), with their ids, for those that the tenant does not have
    (delivery.md, S)."""
    existing = set(await existing_ids(tx, wanted))
    unknown = [i for i in wanted if i not in existing]
    if unknown:
        named = ", ".join(unknown)
        raise Invalid("participants", "unknown", f"participants not found in the tenant: {named}")


async def check_owner(tx: Tx, owner_id: str | None) -> None:
    """Raise NotFound("owner") for what is neither a contact nor a user of the tenant."""
    if owner_id is not None and not _is_here(await identities.get(tx, owner_id), "contact", "user"):
        raise NotFound("owner")


async def check_assignee(tx: Tx, assignee_id: str | None, before: str | None) -> None:
    """Raise NotFound("assignee") for a new assignee that is no user of the tenant, or is blocked.
    The one `before` is not checked."""
    if assignee_id in (None, before):
        return
    found = await identities.get(tx, str(assignee_id))
    if found is None or not _is_here(found, "user") or found.blocked:
        raise NotFound("assignee")


async def check_users(tx: Tx, named: list[tuple[str, str]]) -> None:
    """Raise Invalid(field) for the first (field, id) that is no user of the tenant."""
    people = await identities.get_by_ids(tx, sorted({value for _, value in named}))
    for field, value in named:
        if not _is_here(people.get(value), "user"):
            raise Invalid(field, "unknown", f"{field}: no such user: {value}")


async def existing_ids(tx: Tx, ids: Iterable[str]) -> list[str]:
    """Those of these identities that the tenant has and that are not removed, in order."""
    wanted = list(ids)
    known = await identities.get_by_ids(tx, wanted)
    return [i for i in wanted if i in known and known[i].removed_at is None]


def _is_here(found: Identity | None, *kinds: IdentityKind) -> bool:
    return found is not None and found.kind in kinds and found.removed_at is None
