"""Load the context of events: the entities that they are about, in a few reads for many events.

Entities are loaded as they are now, not as they were at the event. So an event says *that*
something changed, and a client that keeps the newest version of everything it received has the
same state as one that loads all of it anew. That is why a client may miss events, or get them
twice, without harm.
"""

import msgspec
from msgspec import structs

from koine.engine.conversations.related import load_related
from koine.kit.ids import distinct_ids
from koine.kit.times import DAY
from koine.model.event import Change, LoggedEvent
from koine.model.event_context import EventContext, Subject
from koine.model.identity import Identity, ResponderVersion
from koine.model.related import Include
from koine.store import deliveries, tenants
from koine.store.contacts import inboxes
from koine.store.conversations import conversations, messages, participants, tickets
from koine.store.core.db import Tx
from koine.store.people import identities

_AROUND: frozenset[Include] = frozenset(
    {
        "participants",
        "latest",
        "people",
        "inboxes",
        "contact_inboxes",
        "tickets",
        "senders",
        "versions",
    }
)
SENT_WITHIN = 30 * DAY
"""When an identity changes, those who were in a conversation with its messages receive the event
if it was active within this time: without a bound each change would search the whole history."""


async def load(tx: Tx, events: list[LoggedEvent], shared_only: list[str]) -> list[EventContext]:
    """The contexts of one tenant's events, in their order.

    `shared_only` are the subscribers that may see a person only since they share a conversation
    with it. Only for these it is looked up who shares one, which is expensive.
    """
    found = await conversations.get_by_ids(tx, distinct_ids(e.conversation_id for e in events))
    related = await load_related(tx, list(found.values()), _AROUND)
    related = structs.replace(
        related, people=related.people | await _named(tx, events, related.people)
    )
    keys = [(e.conversation_id, e.seq) for e in events if e.conversation_id and e.seq]
    messages_by_seq = await messages.get_by_seqs(tx, keys) if keys else {}
    contexts = []
    for event in events:
        conversation_id = event.conversation_id or ""
        subject = await _subject(tx, event)
        contexts.append(
            EventContext(
                event=event,
                conversation=found.get(conversation_id),
                participants=tuple(related.participants.get(conversation_id, ())),
                message=messages_by_seq.get((conversation_id, event.seq or 0)),
                subject=subject,
                related=related,
                readers=related.readers.get(conversation_id),
                members=_members(event),
                shared_with=await _shared_with(tx, event, subject, shared_only),
                version=await _version(tx, event),
                merged_id=_merged(event),
            )
        )
    return contexts


async def _named(
    tx: Tx, events: list[LoggedEvent], known: dict[str, Identity]
) -> dict[str, Identity]:
    """The assignees that changes name, of before and after, as far as they are not `known`."""
    changes = [
        msgspec.json.decode(event.body, type=Change)
        for event in events
        if event.kind == "conversation.updated"
    ]
    named = distinct_ids(
        [
            *(each.previous.get("assignee_id") for each in changes),
            *(each.then.assignee_id for each in changes if each.then is not None),
        ]
    )
    missing = [who for who in named if who not in known]
    return await identities.get_by_ids(tx, missing) if missing else {}


async def load_conversation(tx: Tx, conversation_id: str) -> EventContext:
    """The context of a conversation for an ephemeral event, which has no row in the log."""
    event = LoggedEvent(
        kind="conversation.updated",
        audience="everyone",
        conversation_id=conversation_id,
        subject_id=conversation_id,
        seq=None,
        body="{}",
        created_at=0,
        position=0,
        tenant_id=tx.tenant_id,
    )
    (found,) = await load(tx, [event], [])
    return found


async def _subject(tx: Tx, event: LoggedEvent) -> Subject | None:
    match event.kind.partition(".")[0]:
        case "identity" | "responder":
            return await identities.get(tx, event.subject_id)
        case "inbox":
            return await inboxes.get(tx, event.subject_id)
        case "delivery":
            return await deliveries.get(tx, event.subject_id)
        case "ticket":
            return await tickets.get(tx, event.subject_id)
        case "tenant":
            return await tenants.get(tx, tx.tenant_id)
        case _:
            return None


async def _shared_with(
    tx: Tx, event: LoggedEvent, subject: Subject | None, shared_only: list[str]
) -> frozenset[str]:
    if (
        not shared_only
        or not isinstance(subject, Identity)
        or not event.kind.startswith("identity.")
    ):
        return frozenset()
    found = await participants.sharing_conversation_with(tx, subject.id, shared_only)
    if subject.kind != "contact":
        # A contact writes in its own conversations only, where it is a participant; a user also
        # writes in conversations without taking part.
        since = event.created_at - SENT_WITHIN
        found |= await participants.where_sent(tx, subject.id, shared_only, since)
    return frozenset(found)


async def _version(tx: Tx, event: LoggedEvent) -> ResponderVersion | None:
    if event.kind != "responder.versioned":
        return None
    version_id = msgspec.json.decode(event.body)["version"]
    return (await identities.versions_by_id(tx, [version_id])).get(version_id)


def _merged(event: LoggedEvent) -> str | None:
    if event.kind != "identity.merged":
        return None
    return str(msgspec.json.decode(event.body)["merged_id"])


def _members(event: LoggedEvent) -> frozenset[str]:
    """The identities that could see a conversation before it was deleted, or a delivery before it
    was saved. They are in the event, since nothing else says so any more."""
    if event.kind not in ("conversation.deleted", "delivery.saved"):
        return frozenset()
    members = msgspec.json.decode(event.body).get("members", [])
    return frozenset(each for each in members if each is not None)
