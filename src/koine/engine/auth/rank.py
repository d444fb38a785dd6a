"""What a user may do in all, and who may change who that user is: never one who may do less."""

import msgspec

from koine.engine.auth import access
from koine.model.actor import Actor
from koine.model.identity import Identity
from koine.model.permissions import ROLE_PERMISSIONS


def effective_permissions(role: str | None, permissions: str) -> frozenset[str]:
    """What a user may do by role and by what it was given on top, a JSON array."""
    own = msgspec.json.decode(permissions, type=list[str])
    return ROLE_PERMISSIONS.get(role, frozenset()) | frozenset(own)


def require_rank(actor: Actor, user: Identity) -> None:
    """Raise Forbidden unless the actor may change who this user is here (role, permissions,
    e-mail, password, blocking, removal): the user in person, or who may do all that the user may.
    A key that acts as the user is not the user."""
    if actor.kind != "user" or user.id != actor.identity_id:
        access.require_all(actor, effective_permissions(user.role, user.permissions))
        access.require_private_notes(actor, user.role)
