"""Events as frames, exactly."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from koine.dialects.inbox.realtime.encoder import InboxEventEncoder, InboxReader
from koine.engine.contacts.callers import ContactCaller
from koine.model.conversation import Conversation, Participant
from koine.model.event import EventKind, LoggedEvent
from koine.model.event_context import EventContext
from koine.model.identity import Identity
from koine.model.inbox import ContactInbox
from koine.model.message import Attachment, Message
from koine.model.related import Related
from koine.realtime.reader import EphemeralEvent
from tests.dialects.inbox.conversations.test_render import (
    CAROL,
    CONVERSATION,
    INBOX,
    NOON,
    TENANT,
    message,
)

GOLDEN = Path(__file__).parent.parent / "golden"
CONTACT_INBOX = ContactInbox("i", "c", "src", "token", False, NOON)
OPEN_CONVERSATION = structs.replace(
    CONVERSATION, source_id="src", status="open", last_seq=1, public_count=1
)
ME = Participant("x", "c", "member", NOON, None, 0, 0, None, *["contact", *[None] * 6])  # type: ignore[arg-type]  # what lists show of the person
ALICE = structs.replace(CAROL, id="a", number=5, kind="user", name="Alice", role="agent")
MESSAGE = structs.replace(
    message(1, "user", content="Good morning"),
    sender_id="a", sender_name="Alice", sender_number=5, sender_email="alice@team.test",
)  # fmt: skip


def event_context(
    kind: EventKind,
    said: Message | None = None,
    conversation: Conversation = OPEN_CONVERSATION,
    body: str = "{}",
) -> EventContext:
    event = LoggedEvent(kind, "everyone", conversation.id, "s", 1, body, NOON, None, 9, "t")
    latest = {conversation.id: said} if said else {}
    around = Related(latest=latest, people={"a": ALICE, "c": CAROL}, inboxes={"i": INBOX})
    return EventContext(
        event=event, conversation=conversation, participants=(ME,), message=said, related=around
    )  # fmt: skip


def reader(contact_inbox: ContactInbox = CONTACT_INBOX, contact: Identity = CAROL) -> InboxReader:
    entry = ContactCaller(TENANT, INBOX, contact_inbox, contact)

    async def ask() -> ContactCaller:
        return entry

    return InboxReader(entry, ask, InboxEventEncoder("https://k.test"))


def frame_of(reader_: InboxReader, of: EventContext) -> bytes | None:
    view = reader_.view(of)
    return None if view is None else reader_.encoder.encode(of, view)


def encoded(
    of: EventContext, contact_inbox: ContactInbox = CONTACT_INBOX, contact: Identity = CAROL
) -> Any:
    frame = frame_of(reader(contact_inbox, contact), of)
    return None if frame is None else msgspec.json.decode(frame)


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def test_an_agents_message() -> None:
    conversation = structs.replace(OPEN_CONVERSATION, assignee_id="a")
    assert encoded(event_context("message.created", MESSAGE, conversation)) == golden(
        "cable_message"
    )


def test_the_contacts_own_message_with_a_file_and_its_echo() -> None:
    file = Attachment("f", 9, "image", "a b.png", "png", "image/png", 71, "KEY", 3, 2)
    said = message(1, "contact", "image", attachments=msgspec.json.encode([file]).decode())
    frame = encoded(event_context("message.created", said, body='{"echo_id":"e1"}'))
    assert frame == golden("cable_own_message")


def test_a_conversation() -> None:
    body = '{"changed":{"status":"closed"}}'
    conversation = structs.replace(OPEN_CONVERSATION, status="closed")
    frame = encoded(event_context("conversation.updated", MESSAGE, conversation, body))
    assert frame == golden("cable_conversation")


def test_typing() -> None:
    ephemeral = EphemeralEvent(
        tenant_id="t", kind="typing", identity_id="a", name="Alice", conversation_id="x", number=5
    )
    where, alices = event_context("conversation.updated", MESSAGE), reader()
    view = alices.ephemeral_view(ephemeral, where)
    assert view is not None
    frame = alices.encoder.encode_ephemeral(ephemeral, where, view)
    assert frame is not None
    assert msgspec.json.decode(frame) == golden("cable_typing")


def test_private_notes_and_notices_are_not_encoded() -> None:
    private = structs.replace(MESSAGE, private=True)
    notice = message(1, "system", content="Alice joined")
    for said in (private, notice, None):
        assert encoded(event_context("message.created", said)) is None
    # Writing a note marks it read by its author, and changes neither time that contacts see.
    conversation = structs.replace(OPEN_CONVERSATION, contact_seen_at=NOON - 1, agent_seen_at=None)
    assert encoded(event_context("conversation.read", None, conversation)) is None


@pytest.mark.parametrize("kind", ["participant.joined", "ticket.created", "identity.updated"])
def test_events_that_this_api_does_not_have_are_not_encoded(kind: EventKind) -> None:
    assert encoded(event_context(kind, MESSAGE)) is None


def test_another_contact_inbox_receives_nothing_until_it_is_verified() -> None:
    of = event_context("message.created", MESSAGE)
    other = structs.replace(CONTACT_INBOX, source_id="other")
    assert encoded(of, other) is None
    assert encoded(of, structs.replace(other, proved_identifier="carol-1")) is None
    proven = structs.replace(CAROL, identifier="carol-1")
    frame = encoded(of, structs.replace(other, proved_identifier="carol-1"), proven)
    assert frame["data"]["conversation"]["contact_inbox"] == {"source_id": "other"}
    attacker = structs.replace(OPEN_CONVERSATION, owner_id="d")
    assert encoded(event_context("message.created", MESSAGE, attacker)) is None


def test_a_message_the_contact_has_read() -> None:
    read = structs.replace(ME, read_seq=1, read_public=1)
    of = structs.replace(event_context("message.updated", MESSAGE), participants=(read,))
    frame = encoded(of)
    assert (frame["event"], frame["data"]["status"]) == ("message.updated", "read")
    assert frame["data"]["conversation"]["unread_count"] == 0


def test_all_readers_of_one_contact_inbox_share_a_view_that_no_other_has() -> None:
    of = event_context("message.created", MESSAGE)
    assert reader().view(of) == reader().view(of) is not None
    assert reader().encoder == reader().encoder
    proven = structs.replace(CAROL, identifier="carol-1")
    other = structs.replace(CONTACT_INBOX, source_id="other", proved_identifier="carol-1")
    assert reader(contact=proven).view(of) != reader(other, proven).view(of) is not None
