"""Who may send typing events, and who may know which users are online. None of it is stored."""

from koine.engine.auth import access
from koine.engine.auth.visibility import can_receive_presence
from koine.engine.core.operations import read_tx
from koine.model.actor import Actor
from koine.model.errors import Forbidden
from koine.model.identity import Identity
from koine.model.permissions import STAFF_ROLES, VIEW_TENANT
from koine.store.core.db import Tx
from koine.store.people import identities


@read_tx
async def typing_user(tx: Tx, actor: Actor, conversation_id: str, private: bool) -> Identity:
    """The identity that the actor writes as, in a conversation it sees. Raises NotFound, and
    Forbidden for a private note of an actor that reads none, and for an actor without identity."""
    await access.conversation(tx, actor, conversation_id)
    if private and not access.sees_private(actor):
        raise Forbidden("private")
    found = await identities.get(tx, actor.identity_id) if actor.identity_id else None
    if found is None:
        raise Forbidden("nobody")
    return found


@read_tx
async def staff(tx: Tx, actor: Actor, ids: list[str]) -> list[Identity]:
    """Those of these identities whose role answers contacts."""
    found = (await identities.get_by_ids(tx, ids)).values() if ids else ()
    return [
        each for each in found
        if each.kind == "user" and each.role in STAFF_ROLES and each.removed_at is None
    ]  # fmt: skip


def check(actor: Actor) -> None:
    """Raise Forbidden for an actor that may not know which users are online."""
    if not can_receive_presence(actor):
        raise Forbidden(VIEW_TENANT)
