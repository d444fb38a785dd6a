"""The engine's conversations as this dialect's. Pure functions; a page of a list calls them fifty
times."""

from collections.abc import Mapping

import msgspec

from koine.dialects.helpdesk.conversations import schemas
from koine.dialects.helpdesk.directory.render import CHANNELS, render_assignee, render_customer
from koine.kit.times import iso_ms
from koine.model.conversation import Conversation, Status
from koine.model.identity import Identity

SOURCES: Mapping[str, schemas.Source] = {"widget": "widget", "phone": "phone", "email": "email"}
STATUSES: Mapping[Status, schemas.Status] = {
    "open": "open",
    "pending": "pending",
    "snoozed": "pending",
    "closed": "closed",
}
STATUSES_FOUND_BY: Mapping[schemas.Status, tuple[Status, ...]] = {
    "open": ("open",),
    "pending": ("pending", "snoozed"),
    "closed": ("closed",),
}
"""The engine's statuses that a filter by status finds: a snoozed conversation is shown as pending,
so `pending` finds it."""
_labels = msgspec.json.Decoder(list[str])


def render_conversation(c: Conversation, people: Mapping[str, Identity]) -> schemas.Conversation:
    """One conversation, with its owner and assignee from `people`."""
    owner = people.get(c.owner_id) if c.owner_id else None
    assigned = people.get(c.assignee_id) if c.assignee_id else None
    return schemas.Conversation(
        c.id,
        c.title or f"Conversation #{c.number}",
        STATUSES[c.status],
        c.priority or "medium",
        render_customer(owner) if owner else None,
        render_assignee(assigned) if assigned else None,
        c.inbox_id,
        CHANNELS.get(c.channel, "chat"),
        _source(c),
        _labels.decode(c.labels),
        iso_ms(c.created_at),
        iso_ms(c.updated_at),
    )


def _source(c: Conversation) -> schemas.Source:
    """The origin: the stored one if this dialect has it, else `api`; `widget` by the channel."""
    if c.channel == "widget":
        return "widget"
    return SOURCES.get(c.source, "api")
