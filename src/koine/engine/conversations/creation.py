"""How a conversation comes to be: the one function that every way of opening one ends in."""

from msgspec import structs

from koine.engine.contacts.rights import may_own_new_conversation
from koine.engine.conversations import limits
from koine.engine.core import references
from koine.engine.core.recorder import record_event
from koine.kit.ids import new_id
from koine.model.actor import Actor
from koine.model.conversation import Conversation, NewConversation
from koine.model.errors import NotFound
from koine.model.inbox import Inbox
from koine.store.conversations import conversations, counters, participants
from koine.store.core.db import Tx
from koine.store.people import identities, inboxes, tenants


async def create_tx(tx: Tx, now: int, actor: Actor, new: NewConversation) -> Conversation:
    """The one way a conversation comes to be, inside a transaction; access is asked before, and
    whoever is named is checked. Those who were removed from the tenant are left out."""
    limits.check(new)
    inbox = await _inbox(tx, new.inbox_id)
    joining = dict(new.participants)
    if new.owner_id is not None:
        joining.setdefault(new.owner_id, "member")
    joining = {i: joining[i] for i in await references.existing_ids(tx, joining)}
    conversation = await _new_conversation(tx, now, actor, new, inbox)
    await conversations.insert_one(tx, conversation)
    await record_event(
        tx, now, "conversation.created", conversation.id, conversation_id=conversation.id
    )
    for identity_id, role in sorted(joining.items()):
        await participants.join(tx, conversation, identity_id, role, now)
    return structs.replace(conversation, participant_count=len(joining))


async def _inbox(tx: Tx, inbox_id: str | None) -> Inbox | None:
    if inbox_id is None:
        return None
    inbox = await inboxes.get(tx, inbox_id)
    if inbox is None or inbox.removed_at is not None:
        raise NotFound("inbox")
    return inbox


async def _new_conversation(
    tx: Tx, now: int, actor: Actor, new: NewConversation, inbox: Inbox | None
) -> Conversation:
    responder_id = inbox.responder_id if inbox and inbox.responder_id else None
    if responder_id is None:
        tenant = await tenants.get(tx, tx.tenant_id)
        responder_id = tenant.default_responder_id if tenant else None
    versions = await identities.versions(tx, responder_id) if responder_id else []
    return Conversation(
        id=new_id(),
        number=await counters.next_number(tx, "conversation"),
        kind=new.kind,
        status=new.status or "open",
        title=new.title,
        # One meaning in every list: what no one gave a priority is found as what it shows.
        priority=new.priority or "medium",
        channel=new.channel or (inbox.channel_type if inbox else None),
        source=new.source,
        inbox_id=new.inbox_id,
        owner_id=new.owner_id,
        delivery_id=new.delivery_id,
        assignee_id=None,
        responder_id=responder_id,
        responder_version_id=versions[0].id if versions else None,
        responder_active=True,
        created_by=actor.identity_id,
        metadata=new.metadata,
        custom_attributes=new.custom_attributes,
        labels="[]",
        last_activity_at=now,
        created_at=now,
        updated_at=now,
        source_id=new.source_id or await _source_of_owner(tx, new),
    )


async def _source_of_owner(tx: Tx, new: NewConversation) -> str | None:
    """Where the owner's own client will find a conversation that others open for it: at a place
    that proved who it is, or that the tenant made (inbox.md, D)."""
    if new.inbox_id is None or new.owner_id is None:
        return None
    owner = await identities.get(tx, new.owner_id)
    places = [
        p
        for p in await inboxes.contact_inboxes_of(tx, [new.owner_id])
        if p.inbox_id == new.inbox_id
    ]
    found = [p for p in places if owner and may_own_new_conversation(p, owner)]
    return found[0].source_id if found else None
