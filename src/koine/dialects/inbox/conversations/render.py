"""From the engine's conversations to those of the API. Pure."""

from koine.dialects.inbox.contacts.render import View
from koine.dialects.inbox.conversations import schemas
from koine.dialects.inbox.messages.render import render_messages
from koine.kit.times import unix
from koine.model.conversation import Conversation
from koine.model.conversation import Status as EngineStatus
from koine.model.related import Related

STATUSES: dict[EngineStatus, schemas.Status] = {
    "open": "open",
    "pending": "pending",
    "snoozed": "snoozed",
    "closed": "resolved",
}


def render_conversation(view: View, c: Conversation, related: Related) -> schemas.Conversation:
    """One conversation of the contact who reads, with its "messages", "people" and "inboxes"."""
    inbox = related.inboxes.get(c.inbox_id or "", view.inbox)
    return schemas.Conversation(
        id=c.number,
        uuid=c.id,
        inbox_id=inbox.number,
        contact_last_seen_at=unix(c.contact_seen_at or 0),
        status=STATUSES[c.status],
        agent_last_seen_at=unix(c.agent_seen_at or 0),
        messages=render_messages(view, c, related),
        contact=view.reader_record,
    )
