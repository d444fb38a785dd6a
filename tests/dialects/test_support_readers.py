"""Only readers of a support conversation receive its messages, in previews and streams, too."""

import msgspec
import pytest
from msgspec import structs

from koine.dialects.delivery.conversations.render import render_conversations
from koine.dialects.native.conversations.render import render_conversation
from koine.dialects.native.realtime.encoder import NativeEventEncoder, NativeReader
from koine.dialects.native.realtime.filter import EventFilter
from koine.engine.conversations import conversations, messages, tickets
from koine.engine.core.encryption import SealingKeys
from koine.engine.events import event_context
from koine.http import sse
from koine.model.actor import Actor
from koine.model.conversation import NewConversation
from koine.model.message import Draft
from koine.model.related import ConversationPage, Include
from koine.realtime.encoding import EventEncodings
from koine.store import tenants
from koine.store.events import events
from tests.cast import Cast

PARTS: frozenset[Include] = frozenset({"participants", "latest", "people"})
SECRET = "the pin is 1234"


@pytest.fixture
async def cast(cast: Cast) -> Cast:
    """Olaf is the tenant's support user."""
    settings = msgspec.json.encode({"support_user_ids": [cast.acme.id("olaf")]}).decode()
    changed = structs.replace(cast.acme.tenant, settings=settings)
    await cast.engine.db.write(cast.acme.tenant.id, tenants.change, changed)
    return cast


async def conversation_with_message(cast: Cast, kind: str) -> str:
    """A conversation of Dan and Olaf with one message."""
    joining = tuple((cast.acme.id(name), "member") for name in ("dan", "olaf"))
    new = NewConversation(kind=kind, participants=joining)  # type: ignore[arg-type]  # roles
    found = await conversations.create(cast.engine, cast.acme.actor("ada"), new)
    draft = Draft(content=SECRET, sender_id=cast.acme.id("olaf"))
    await messages.send(cast.engine, cast.acme.actor("ada"), found.id, draft)
    return found.id


def key(cast: Cast) -> Actor:
    """An API key of the tenant's."""
    return structs.replace(cast.acme.actor("ada"), kind="key")


def previews(shown: ConversationPage, actor: Actor) -> list[bool]:
    """Whether native and delivery show the last message."""
    native = render_conversation(shown.one, shown.related, actor)
    delivery = render_conversations(shown, actor, actor.identity_id)[0]
    return [SECRET in repr(each) for each in (native, delivery)]


@pytest.mark.parametrize("kind", ["support", "chat"])
async def test_a_preview_is_for_those_who_read(cast: Cast, kind: str) -> None:
    conversation = await conversation_with_message(cast, kind)
    for name in ("olaf", "dan", "alice", "ada"):
        actor = cast.acme.actor(name)
        shown = await conversations.get(cast.engine, actor, conversation, PARTS)
        reads = kind == "chat" or name == "olaf"
        assert previews(shown, actor) == [reads, reads], name
    shown = await conversations.get(cast.engine, key(cast), conversation, PARTS)
    assert previews(shown, key(cast)) == [True, True]


async def test_a_stream_sends_it_to_readers_alone_in_any_order(cast: Cast) -> None:
    conversation = await conversation_with_message(cast, "support")
    await tickets.open_(cast.engine, cast.acme.actor("ada"), conversation)
    db, tenant_id = cast.engine.db, cast.acme.tenant.id
    log = await db.read(tenant_id, events.of_tenant_after, 0, 10**12, 1000)
    theirs = [each for each in log if each.conversation_id == conversation]
    for order in (("ada", "olaf", "dan"), ("olaf", "dan", "ada")):
        happened = await db.read(tenant_id, event_context.load, theirs, [])
        frames_of: dict[str, list[bytes]] = {name: [] for name in order}
        for each in happened:
            encodings = EventEncodings(each)
            for name in order:
                reader = reader_of(cast.acme.actor(name))
                frames_of[name] += filter(None, [encodings.for_reader(reader)])
        assert len(frames_of["olaf"]) == len(theirs) > len(frames_of["ada"]) > 0
        shown = {name: SECRET.encode() in b"".join(frames) for name, frames in frames_of.items()}
        assert shown == {"olaf": True, "dan": False, "ada": False}


async def test_a_system_administrator_is_no_reader(cast: Cast) -> None:
    conversation = await conversation_with_message(cast, "support")
    root = Actor(cast.acme.tenant.id, "user", is_system_admin=True)
    shown = await conversations.get(cast.engine, root, conversation, PARTS)
    assert previews(shown, root) == [False, False]


def reader_of(actor: Actor) -> NativeReader:
    """A native reader over server-sent events."""

    async def ask() -> Actor:
        return actor

    return NativeReader(
        actor,
        ask,
        EventFilter(),
        NativeEventEncoder("http://koine.test", sse.frame, SealingKeys(["k" * 32])),
    )
