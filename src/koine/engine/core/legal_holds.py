"""Refuse to delete what a legal hold keeps (`engine/retention/holds` places and releases them)."""

from msgspec.structs import replace

from koine.model.errors import Conflict
from koine.store.core.db import Tx
from koine.store.retention import holds

HELD = "held"
"""The reason of a Conflict with a hold."""


async def require_conversation_free_tx(tx: Tx, conversation_id: str) -> None:
    """Raise Conflict("held") where a hold keeps the conversation."""
    if await holds.held_among(tx, [conversation_id]):
        raise Conflict(HELD, "a legal hold keeps it from being deleted")


async def require_people_free_tx(tx: Tx, ids: list[str]) -> None:
    """Raise Conflict("held") where a hold keeps these people's data from being erased."""
    if await holds.holds_people(tx, ids):
        raise Conflict(HELD, "a legal hold keeps the data of this person")


async def require_tenant_free_tx(tx: Tx) -> None:
    """Raise Conflict("held") where a hold of any kind keeps the tenant from being deleted."""
    if await holds.has_any(tx):
        raise Conflict(HELD, "it has legal holds: release them first")


async def follow_merge_tx(tx: Tx, merged_id: str, survivor_id: str) -> None:
    """Hold the contact into which a held one was merged."""
    found = await holds.get(tx, merged_id)
    if found is not None and await holds.get(tx, survivor_id) is None:
        await holds.save(tx, replace(found, subject_id=survivor_id))
