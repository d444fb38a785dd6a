"""Conversations of the engine as JSON. Pure; called fifty times for a page of a list."""

from collections.abc import Mapping

import msgspec

from koine.dialects.helpdesk.conversations import schemas
from koine.dialects.helpdesk.directory.render import CHANNELS, render_assignee, render_customer
from koine.kit.times import iso_ms
from koine.model import conversation as talk
from koine.model.identity import Identity

SOURCES: Mapping[str, schemas.Source] = {"widget": "widget", "phone": "phone", "email": "email"}
STATUSES: Mapping[talk.Status, schemas.Status] = {
    "open": "open",
    "pending": "pending",
    "snoozed": "pending",
    "closed": "closed",
}
STATUSES_FOUND_BY: Mapping[schemas.Status, tuple[talk.Status, ...]] = {
    "open": ("open",),
    "pending": ("pending", "snoozed"),
    "closed": ("closed",),
}
"""What each status here finds: a snoozed conversation shows as pending, so pending finds it."""
_labels = msgspec.json.Decoder(list[str])


def render_conversation(
    c: talk.Conversation, people: Mapping[str, Identity]
) -> schemas.Conversation:
    """One conversation, its owner and assignee taken from `people`."""
    owner = people.get(c.owner_id) if c.owner_id else None
    worker = people.get(c.assignee_id) if c.assignee_id else None
    return schemas.Conversation(
        c.id,
        c.title or f"Conversation #{c.number}",
        STATUSES[c.status],
        c.priority or "medium",
        render_customer(owner) if owner else None,
        render_assignee(worker) if worker else None,
        c.inbox_id,
        CHANNELS.get(c.channel, "chat"),
        _source(c),
        _labels.decode(c.labels),
        iso_ms(c.created_at),
        iso_ms(c.updated_at),
    )


def _source(c: talk.Conversation) -> schemas.Source:
    """Where a conversation came from: as it is stored, a widget's by its channel, else `api`."""
    if c.channel == "widget":
        return "widget"
    return SOURCES.get(c.source, "api")
