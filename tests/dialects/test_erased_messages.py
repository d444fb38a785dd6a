"""The streams of all five dialects say that an erased message changed, and do not contain it; nor
one that retention deleted."""

from pathlib import Path

import pytest

from koine.dialects.chats.encoder import ChatsEventEncoder
from koine.dialects.delivery.encoder import DeliveryEventEncoder
from koine.dialects.helpdesk.encoder import HelpdeskEventEncoder
from koine.dialects.inbox.realtime.encoder import EventView, InboxEventEncoder
from koine.dialects.native.realtime.encoder import NativeEventEncoder, NativeReader
from koine.dialects.native.realtime.filter import EventFilter
from koine.engine.auth.visibility import can_receive
from koine.engine.conversations import conversations, messages
from koine.engine.events import event_context
from koine.engine.personal_data import erasure
from koine.engine.retention import rules, runs
from koine.engine.retention.rules import PeriodChanges
from koine.http import sse
from koine.model.actor import Actor
from koine.model.conversation import NewConversation
from koine.model.event_context import EventContext
from koine.model.message import Draft
from koine.realtime.reader import ActorEncoder
from koine.store.events import events
from tests.cast import Cast

BASE, SECRET = "http://koine.test", "my secret"
ACTOR_ENCODERS: tuple[ActorEncoder, ...] = (
    ChatsEventEncoder(BASE), DeliveryEventEncoder(BASE), HelpdeskEventEncoder(),
)  # fmt: skip


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path)}


def frames(cast: Cast, context: EventContext) -> dict[str, bytes]:
    """What Alice receives by each dialect, and Dave by his widget, of an event."""
    acme, alice = cast.acme, cast.acme.actor("alice")

    async def ask() -> Actor:
        return alice

    found: dict[str, bytes | None] = {}
    if can_receive(alice, context):
        native = NativeEventEncoder(BASE, sse.frame, cast.engine.encryption)
        reader = NativeReader(alice, ask, EventFilter(), native)
        seen = reader.view(context)
        found["native"] = None if seen is None else native.encode(context, seen)
        for encoder in ACTOR_ENCODERS:
            view = encoder.view(context, alice)
            found[encoder.name] = None if view is None else encoder.encode(context, view)
    place = acme.contact_inboxes["dave"]
    view = EventView(acme.tenant, acme.inbox, acme.people["dave"], place.source_id)
    found["inbox"] = InboxEventEncoder(BASE).encode(context, view)
    return {name: frame for name, frame in found.items() if frame}


async def test_no_client_keeps_the_text_without_an_event(cast: Cast) -> None:
    acme, engine, ada = cast.acme, cast.engine, cast.acme.actor("ada")
    new = NewConversation(
        inbox_id=acme.inbox.id, owner_id=acme.id("dave"),
        source_id=acme.contact_inboxes["dave"].source_id,
        participants=((acme.id("alice"), "member"), (acme.id("olaf"), "member")),
    )  # fmt: skip
    at = await conversations.create(engine, ada, new)
    draft = Draft(content=SECRET, sender_id=acme.id("olaf"))
    sent = await messages.send_unchecked(engine, ada, at.id, draft)
    await erasure.erase(engine, ada, acme.id("olaf"), messages="erase")
    logged = await engine.db.read(ada.tenant_id, events.of_tenant_after, 0, 1 << 62, 1000)
    contexts = await engine.db.read(ada.tenant_id, event_context.load, logged, [])
    notified: set[str] = set()
    for context in contexts:
        for name, frame in frames(cast, context).items():
            # Who resumes from an old cursor receives the events of then with the state of now.
            assert SECRET.encode() not in frame and b"Olaf" not in frame, (name, frame)
            if context.event.kind == "message.updated" and context.event.subject_id == sent.id:
                notified.add(name)
    assert notified == {"native", "chats", "delivery", "helpdesk", "inbox"}


async def test_who_resumes_receives_nothing_of_a_message_that_retention_deleted(cast: Cast) -> None:
    acme, engine, ada = cast.acme, cast.engine, cast.acme.actor("ada")
    new = NewConversation(
        inbox_id=acme.inbox.id, owner_id=acme.id("dave"),
        source_id=acme.contact_inboxes["dave"].source_id,
        participants=((acme.id("alice"), "member"),),
    )  # fmt: skip
    at = await conversations.create(engine, ada, new)
    for text in (SECRET, "public"):
        draft = Draft(content=text, sender_id=acme.id("alice"))
        await messages.send_unchecked(engine, ada, at.id, draft)
        cast.clock.advance(31 * 24 * 3600)
    read_before = await engine.db.read(ada.tenant_id, events.of_tenant_after, 0, 1 << 62, 1000)
    await rules.change(engine, ada, PeriodChanges(messages=40))
    await runs.run(engine, ada)
    logged = await engine.db.read(ada.tenant_id, events.of_tenant_after, 0, 1 << 62, 1000)
    assert len([e for e in logged if e.kind == "message.created"]) == 1
    # Readers that had read the events before load what these are about after the deletion.
    for found in (logged, read_before):
        contexts = await engine.db.read(ada.tenant_id, event_context.load, found, [])
        received = {
            name: frame for context in contexts for name, frame in frames(cast, context).items()
        }
        assert received.keys() == {"native", "chats", "delivery", "helpdesk", "inbox"}
        assert all(SECRET.encode() not in frame for frame in received.values())
