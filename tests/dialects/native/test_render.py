"""The exact JSON of every resource: golden files with the engine's `input` and its `output`."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from koine.dialects.native.contacts.render import render_contact
from koine.dialects.native.conversations.render import render_conversation
from koine.dialects.native.deliveries.render import render_delivery
from koine.dialects.native.inboxes.render import render_inbox
from koine.dialects.native.messages.render import render_message
from koine.dialects.native.participants.render import render_participant
from koine.dialects.native.tenant.render import render_tenant
from koine.dialects.native.tickets.render import render_ticket
from koine.dialects.native.users.render import render_user
from koine.engine.auth import access
from koine.engine.core.encryption import SealingKeys
from koine.model.actor import Actor
from koine.model.conversation import Conversation, Participant
from koine.model.delivery import Delivery
from koine.model.identity import Identity
from koine.model.inbox import Inbox
from koine.model.message import Message
from koine.model.related import Related
from koine.model.tenant import Tenant
from koine.model.ticket import Ticket

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
RENDERERS: dict[str, tuple[type, Any]] = {
    "user": (Identity, render_user),
    "contact": (Identity, render_contact),
    "delivery": (Delivery, render_delivery),
    "participant": (Participant, render_participant),
    "message": (Message, lambda m: render_message(m, "https://koine.test")),
    "ticket": (Ticket, render_ticket),
}
RENDERERS_WITH_SETTINGS: dict[str, tuple[type, Any]] = {
    "tenant": (Tenant, render_tenant),
}


def render(parts: dict[str, Any]) -> object:
    """A case's input, rendered."""
    name = next(iter(parts))
    if name in RENDERERS:
        kind, renderer = RENDERERS[name]
        return renderer(msgspec.convert(parts[name], kind))
    actor = msgspec.convert(parts["actor"], Actor)
    if name in RENDERERS_WITH_SETTINGS:
        kind, renderer = RENDERERS_WITH_SETTINGS[name]
        return renderer(msgspec.convert(parts[name], kind), access.sees_settings(actor))
    if name == "inbox":
        keys = SealingKeys(["k" * 32]) if access.sees_settings(actor) else None
        return render_inbox(msgspec.convert(parts[name], Inbox), keys)
    found = msgspec.convert(parts["conversation"], Conversation)
    return render_conversation(found, msgspec.convert(parts["around"], Related), actor)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    case = json.loads(path.read_text())
    encoded = msgspec.json.encode(render(case["input"]))
    assert json.loads(encoded) == case["output"]
    assert list(json.loads(encoded)) == list(case["output"])
