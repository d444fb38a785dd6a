"""Access control: what an actor may do. Conversations are fetched through the actor, and what it
may not know of is NotFound, like what does not exist.

The permissions of the roles are data in `model/permissions.py`. Dialects never decide about access.
"""

from collections.abc import Iterable

import msgspec

from koine.model.actor import Actor
from koine.model.conversation import Conversation, Participant
from koine.model.errors import Conflict, Forbidden, NotFound
from koine.model.filters import ConversationFilter
from koine.model.identity import Identity
from koine.model.permissions import (
    MANAGE_MESSAGING,
    MANAGE_TENANT,
    READ_CONVERSATIONS,
    ROLE_PERMISSIONS,
    STAFF_ROLES,
    VIEW_TENANT,
    WRITE_CONVERSATIONS,
)
from koine.model.tenant import TenantSettings
from koine.store import tenants
from koine.store.conversations import conversations, participants, tickets
from koine.store.core.db import Tx
from koine.store.people import identities

Membership = tuple[Conversation, Participant | None]
"""A conversation and the actor as its participant, present or former, if it is or was one."""


def require(actor: Actor, *any_of: str) -> None:
    """Raise Forbidden unless the actor holds one of the permissions."""
    if not actor.may(*any_of):
        raise Forbidden(any_of[0])


def require_all(actor: Actor, permissions: frozenset[str]) -> None:
    """Raise Forbidden unless the actor holds all of them: nobody grants more than they hold."""
    for permission in sorted(permissions):
        require(actor, permission)


def require_private_notes(actor: Actor, role: str | None) -> None:
    """Raise Forbidden for an actor that reads no private notes where the role is one that does.
    Reading them comes with a role and is no permission, so `require_all` does not cover it."""
    if role in STAFF_ROLES and not sees_private(actor):
        raise Forbidden(MANAGE_TENANT)


def check_not_blocked(contact: Identity | None) -> None:
    """Raise Forbidden for a contact that is blocked (or removed): nothing from it is stored."""
    if contact is None or contact.blocked:
        raise Forbidden("contact")


async def require_not_blocked(tx: Tx, actor: Actor) -> None:
    """`check_not_blocked` of a contact as it is now."""
    if actor.kind == "contact" and actor.identity_id is not None:
        check_not_blocked(await identities.get(tx, actor.identity_id))


def sees_private(actor: Actor) -> bool:
    """Whether the actor reads private notes: staff does, and API keys that staff or the operator
    made; drivers and customers never (contracts/README.md, D)."""
    if actor.kind == "key":
        return actor.reads_private
    return actor.is_system_admin or actor.role in STAFF_ROLES


def sees_all(actor: Actor) -> bool:
    """Whether the actor sees every conversation of the tenant, its own or not."""
    return actor.may(VIEW_TENANT, READ_CONVERSATIONS)


def sees(actor: Actor, found: Conversation, me: Participant | None) -> bool:
    """Whether the actor, as the participant `me`, sees a conversation that is not removed: its
    participants do, the contact that owns it, and actors that see all."""
    if sees_all(actor) or _is_participant(me):
        return True
    return actor.kind == "contact" and found.owner_id == actor.identity_id


def sees_settings(actor: Actor) -> bool:
    """Whether the actor may read the tenant's settings and the secrets of its inboxes."""
    return actor.may(MANAGE_TENANT)


def may_open_without_delivery(actor: Actor) -> bool:
    """Whether the actor may open a conversation about no delivery (delivery.md, S, rule 3)."""
    return actor.role in ("dispatcher", "tenant_admin") or actor.may(
        MANAGE_MESSAGING, WRITE_CONVERSATIONS
    )


def restrict_to_own(actor: Actor, f: ConversationFilter) -> ConversationFilter:
    """The filter restricted to what the actor may list: its own conversations, or with a permission
    all (delivery.md, S). Raises Forbidden when it asks for another's without one."""
    if actor.may(VIEW_TENANT, MANAGE_MESSAGING, READ_CONVERSATIONS):
        return f
    if actor.identity_id is None or f.participant_id not in (None, actor.identity_id):
        raise Forbidden(VIEW_TENANT)
    return msgspec.structs.replace(f, participant_id=actor.identity_id)


async def conversation(
    tx: Tx, actor: Actor, conversation_id: str, *, removed: bool = False
) -> Membership:
    """The conversation, if the actor sees it. Removed ones only with `removed`. Raises NotFound."""
    found, me = await _found(tx, actor, conversation_id, removed=removed)
    if not sees(actor, found, me):
        raise NotFound("conversation")
    return found, me


async def locked_conversation(
    tx: Tx, actor: Actor, conversation_id: str, *, removed: bool = False
) -> Membership:
    """The conversation, locked, for an actor that sees it or may write conversations, even if it
    may not read them (helpdesk.md, S). Removed ones only with `removed`. Raises NotFound.

    This checks no right to change it: the caller does."""
    found, me = await _found(tx, actor, conversation_id, lock=True, removed=removed)
    if not sees(actor, found, me) and not actor.may(WRITE_CONVERSATIONS):
        raise NotFound("conversation")
    return found, me


async def conversation_to_read_as_participant(
    tx: Tx, actor: Actor, conversation_id: str
) -> Membership:
    """The conversation for reading its messages as a participant does (delivery.md, S).

    Standard: participants and system administrators, no permission helps. About a support ticket:
    its customer and the tenant's support users alone. Raises Forbidden for one who may see the
    conversation but not read it, NotFound for one who may not even see it.
    """
    found, me = await _found(tx, actor, conversation_id)
    if found.kind == "support":
        allowed = await _reads_support(tx, actor, found)
    else:
        allowed = reads_as_participant(actor, me)
    if allowed:
        return found, me
    raise Forbidden("participant") if sees(actor, found, me) else NotFound("conversation")


async def conversation_to_read(tx: Tx, actor: Actor, conversation_id: str) -> Membership:
    """The conversation, to read its messages in every other dialect: an actor that sees it may, but
    a support conversation is read by users as delivery.md says (S). An API key belongs to a program
    of the tenant: it reads what its permissions say."""
    found, me = await conversation(tx, actor, conversation_id)
    if found.kind == "support" and actor.kind == "user":
        return await conversation_to_read_as_participant(tx, actor, conversation_id)
    return found, me


async def support_readers(tx: Tx, found: Iterable[Conversation]) -> dict[str, frozenset[str]]:
    """Who reads the messages of each support conversation: the customers of its tickets and the
    tenant's support users (delivery.md, S). Two queries for all of them, none when there are none.
    """
    ids = [each.id for each in found if each.kind == "support"]
    if not ids:
        return {}
    tenant = await tenants.get(tx, tx.tenant_id)
    settings = msgspec.json.decode(tenant.settings if tenant else "{}", type=TenantSettings)
    customers = await tickets.support_customers(tx, ids)
    return {each: frozenset({*settings.support_user_ids, *customers.get(each, ())}) for each in ids}


async def restrict_search(tx: Tx, actor: Actor, f: ConversationFilter) -> ConversationFilter:
    """The filter with the identity that searches, where that matters: a search must not find
    messages that the actor may not read, or it could guess them word by word (delivery.md, S)."""
    if f.search is None or actor.kind != "user":
        return f
    tenant = await tenants.get(tx, tx.tenant_id)
    settings = msgspec.json.decode(tenant.settings if tenant else "{}", type=TenantSettings)
    if actor.is_system_admin or actor.identity_id in settings.support_user_ids:
        return f
    return msgspec.structs.replace(f, search_as=actor.identity_id)


def may_read_messages(actor: Actor, readers: frozenset[str] | None) -> bool:
    """Whether the actor may read the messages of a conversation that it sees, including the preview
    of the newest. `readers` are its `support_readers`, None for every other kind."""
    return readers is None or actor.kind != "user" or actor.identity_id in readers


def reads_as_participant(actor: Actor, me: Participant | None) -> bool:
    """Whether the actor reads messages as a participant: no permission gives that (delivery.md, S).
    For a support conversation `may_read_messages` must allow it, too."""
    return actor.is_system_admin or _is_participant(me)


async def conversation_for_change(tx: Tx, actor: Actor, conversation_id: str) -> Membership:
    """The conversation, locked, to change it: for an actor that may write conversations, or is its
    admin as a participant. Raises Forbidden, and NotFound as `locked_conversation` does."""
    found, me = await locked_conversation(tx, actor, conversation_id)
    if not actor.may(WRITE_CONVERSATIONS, MANAGE_MESSAGING) and not (
        me is not None and _is_participant(me) and me.role == "admin"
    ):
        raise Forbidden(WRITE_CONVERSATIONS)
    return found, me


async def conversation_for_staff_change(tx: Tx, actor: Actor, conversation_id: str) -> Membership:
    """The conversation, locked, for the work of staff on it (assignee, labels, tickets): for actors
    that may write conversations. To be its admin as a participant, which a customer may be, is not
    enough."""
    found, me = await locked_conversation(tx, actor, conversation_id)
    require(actor, WRITE_CONVERSATIONS, MANAGE_MESSAGING)
    return found, me


async def conversation_for_participant_change(
    tx: Tx, actor: Actor, conversation_id: str
) -> Conversation:
    """The conversation, locked, to change its participants: for its admins, `manage:tenant` and
    system administrators, while it is active (delivery.md, F), and for actors that may write
    conversations.

    Raises NotFound, Forbidden for an actor that sees it, Conflict("closed").
    """
    found, me = await _found(tx, actor, conversation_id, lock=True)
    administers = me is not None and _is_participant(me) and me.role == "admin"
    if not administers and not actor.may(MANAGE_TENANT, WRITE_CONVERSATIONS):
        raise Forbidden(MANAGE_TENANT) if sees(actor, found, me) else NotFound("conversation")
    if found.status == "closed":
        raise Conflict("closed", "the conversation is not active")
    return found


async def participant_of(tx: Tx, actor: Actor, found: Conversation) -> Participant | None:
    """The actor as a participant of a conversation, even if it has left."""
    if actor.identity_id is None:
        return None
    return await participants.get(tx, found.id, actor.identity_id)


async def _found(
    tx: Tx, actor: Actor, conversation_id: str, *, lock: bool = False, removed: bool = False
) -> Membership:
    found = await (conversations.lock if lock else conversations.get)(tx, conversation_id)
    if found is None or (found.removed_at is not None and not removed):
        raise NotFound("conversation")
    return found, await participant_of(tx, actor, found)


def _is_participant(me: Participant | None) -> bool:
    return me is not None and me.left_at is None


async def _reads_support(tx: Tx, actor: Actor, found: Conversation) -> bool:
    readers = await support_readers(tx, [found])
    return actor.identity_id in readers[found.id]


def effective_permissions(role: str | None, permissions: str) -> frozenset[str]:
    """The permissions of a user: those of its role, and its own `permissions` (a JSON array)."""
    own = msgspec.json.decode(permissions, type=list[str])
    return ROLE_PERMISSIONS.get(role, frozenset()) | frozenset(own)


def require_rank(actor: Actor, user: Identity) -> None:
    """Raise Forbidden unless the actor may change who this user is here (role, permissions,
    e-mail, password, blocking, removal): the user in person, or who may do all that the user may.
    A key that acts as the user is not the user."""
    if actor.kind != "user" or user.id != actor.identity_id:
        require_all(actor, effective_permissions(user.role, user.permissions))
        require_private_notes(actor, user.role)
