"""Replaces generated ids by existing ones, so that requests get past the lookup by id."""

import zlib
from typing import Any

from tests.fuzz.served import AppInThread

TARGET_OF = {
    "id": "conversation",
    "conversation_id": "conversation",
    "conversation": "number",
    "message": "numbered_message",
    "message_id": "message",
    "ticket_id": "ticket",
    "survey": "survey",
    "inbox_id": "inbox",
    "contact_id": "contact",
    "user_id": "user",
    "identity_id": "dan",
    "responder_id": "responder",
    "delivery_id": "delivery",
    "api_key_id": "key",
    "webhook_id": "webhook",
    "chatId": "conversation",
    "inboxId": "inbox",
    "channelId": "inbox",
    "customerId": "contact",
    "ownerId": "contact",
    "owner_id": "contact",
    "customer_id": "user",
    "driver_id": "user",
    "assignedTo": "user",
    "assignee_id": "user",
    "parent_message_id": "message",
    "parent_id": "message",
}
ONE_IN = 5
"""One of so many keeps the generated value."""


def filled(served: AppInThread, values: Any) -> Any:
    """The same parameters or body, with existing ids in most places."""
    if isinstance(values, list):
        return [filled(served, each) for each in values]
    if not isinstance(values, dict):
        return values
    chance = zlib.crc32(repr(values).encode("utf-8", "surrogatepass"))
    if chance % ONE_IN == 0:
        return values
    acme = served.cast_app.cast.acme
    known = {"inbox": acme.inbox.identifier, "contact": acme.contact_inboxes["carol"].source_id}
    return {name: _one(served, known, name, value) for name, value in values.items()}


def _one(served: AppInThread, known: dict[str, str], name: Any, value: Any) -> Any:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return filled(served, value)
    if name in known:
        return known[name]
    return served.real[TARGET_OF[name]] if name in TARGET_OF else value
