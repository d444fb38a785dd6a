"""Encoders receive views of readers, never readers; shared bytes contain nothing that one of their
readers may not see."""

import importlib
import pkgutil
from collections.abc import Callable
from inspect import Parameter, getmembers, isclass, signature
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from msgspec import Struct, structs

from koine import dialects
from koine.dialects.delivery.encoder import DeliveryEventEncoder
from koine.dialects.native.realtime.encoder import NativeEventEncoder, NativeReader
from koine.dialects.native.realtime.filter import EventFilter
from koine.engine.contacts import inboxes
from koine.engine.contacts.callers import ContactCaller
from koine.engine.contacts.inboxes import InboxChanges
from koine.engine.conversations import conversations, messages, tickets
from koine.engine.core.encryption import SealingKeys
from koine.engine.events import event_context
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.http import sse
from koine.http.request import Request
from koine.model.actor import Actor
from koine.model.conversation import NewConversation
from koine.model.event_context import EventContext
from koine.model.message import Draft
from koine.realtime.encoding import EventEncodings
from koine.realtime.reader import ActorReader, Reader
from koine.realtime.subscriber import Subscriber
from koine.store import tenants
from koine.store.events import events
from tests.cast import Cast

NOTE, HELLO, SUPPORT, PHONE = "the note 4711", "hello 4712", "the pin is 4713", "+493047140000"
NAMES = ("ada", "alice", "dan", "olaf", "cleo")
SHOWN: dict[str, dict[str, set[str]]] = {
    "native": {
        NOTE: {"ada", "alice"},
        HELLO: {"ada", "alice", "dan", "olaf"},
        SUPPORT: {"olaf"},
        PHONE: {"ada", "alice", "olaf"},
        "hmac_token": {"ada"},
    },
    "delivery": {
        NOTE: set(),
        HELLO: {"ada", "alice", "dan", "olaf"},
        SUPPORT: {"olaf"},
        PHONE: set(),
        "hmac_token": set(),
    },
}
"""Who of the cast may see what, in each dialect whose readers receive different bytes."""
READERS = (Actor, ContactCaller, Subscriber, Request, ActorReader, NativeReader)


def encoders() -> list[type]:
    """Every class of the dialects that encodes events."""
    found = set()
    for module in pkgutil.walk_packages(dialects.__path__, "koine.dialects."):
        for _, each in getmembers(importlib.import_module(module.name), isclass):
            if hasattr(each, "encode") and hasattr(each, "encode_ephemeral"):
                found.add(each)
    return sorted(found, key=lambda each: each.__name__)


def held_types(hint: Any, seen: set[Any]) -> set[Any]:
    """A type, and every type that a value of it may hold."""
    if isinstance(hint, list):  # the parameters of a Callable
        for inner in hint:
            held_types(inner, seen)
        return seen
    if hint in seen:
        return seen
    seen.add(hint)
    for inner in get_args(hint):
        held_types(inner, seen)
    if isclass(hint) and issubclass(hint, Struct):
        for inner in get_type_hints(hint).values():
            held_types(inner, seen)
    return seen


def test_every_dialect_has_one_encoder() -> None:
    assert [each.__module__.split(".")[2] for each in encoders()] == [
        "chats", "delivery", "helpdesk", "inbox", "native",
    ]  # fmt: skip


@pytest.mark.parametrize("encoder", encoders())
def test_an_encoder_is_frozen_and_gets_a_view_and_no_reader(encoder: type) -> None:
    assert issubclass(encoder, Struct) and encoder.__struct_config__.frozen
    held = held_types(encoder, set())
    for method, names in (
        ("encode", ["self", "context", "view"]),
        ("encode_ephemeral", ["self", "ephemeral", "context", "view"]),
    ):
        function = getattr(encoder, method)
        parameters = signature(function).parameters
        assert list(parameters) == names
        assert {each.kind for each in parameters.values()} == {Parameter.POSITIONAL_OR_KEYWORD}
        hints = get_type_hints(function)
        assert hints["view"] not in (Any, object)
        for name in names[1:]:
            held |= held_types(hints[name], set())
    assert EventContext in held
    assert not [each for each in held if isclass(each) and issubclass(each, READERS)]


@pytest.fixture
async def cast(cast: Cast) -> Cast:
    """Olaf is the tenant's support user."""
    settings = msgspec.json.encode({"support_user_ids": [cast.acme.id("olaf")]}).decode()
    changed = structs.replace(cast.acme.tenant, settings=settings)
    await cast.engine.db.write(cast.acme.tenant.id, tenants.change, changed)
    return cast


async def restricted_events(cast: Cast) -> list[EventContext]:
    """Events of each kind that only some readers may see."""
    engine, ada, start = cast.engine, cast.acme.actor("ada"), cast.clock.now()
    joining = tuple((cast.acme.id(name), "member") for name in ("dan", "olaf"))
    for kind, private_by_text in (
        ("chat", {NOTE: True, HELLO: False}),
        ("support", {SUPPORT: False}),
    ):
        new = NewConversation(kind=kind, participants=joining)  # type: ignore[arg-type]  # roles
        conversation = await conversations.create(engine, ada, new)
        for text, private in private_by_text.items():
            draft = Draft(content=text, sender_id=cast.acme.id("ada"), private=private)
            await messages.send(engine, ada, conversation.id, draft)
        if kind == "support":
            await tickets.open_(engine, ada, conversation.id)
    await directory.change(engine, ada, cast.acme.id("olaf"), "user", PersonChanges(phone=PHONE))
    await inboxes.change(engine, ada, cast.acme.inbox.id, InboxChanges(name="Shop"))
    db, tenant_id = engine.db, cast.acme.tenant.id
    log = await db.read(tenant_id, events.of_tenant_after, 0, 10**12, 1000)
    stored = [each for each in log if each.created_at >= start]
    return await db.read(tenant_id, event_context.load, stored, [cast.acme.id(n) for n in NAMES])


def reader(dialect: str, actor: Actor, keys: SealingKeys) -> Reader:
    """A reader over server-sent events."""

    async def ask() -> Actor:
        return actor

    if dialect == "native":
        return NativeReader(
            actor, ask, EventFilter(), NativeEventEncoder("http://k.test", sse.frame, keys)
        )
    return ActorReader(DeliveryEventEncoder("http://k.test"), actor, ask)


@pytest.mark.parametrize("dialect", SHOWN)
@pytest.mark.parametrize("order", [list, lambda names: list(reversed(names))])
async def test_readers_with_different_rights_share_no_encoding(
    cast: Cast, dialect: str, order: Callable[[tuple[str, ...]], list[str]]
) -> None:
    shared = 0
    sent: dict[str, bytes] = dict.fromkeys(NAMES, b"")
    for each in await restricted_events(cast):
        encodings, made = EventEncodings(each), []
        for name in order(NAMES):
            of = reader(dialect, cast.acme.actor(name), cast.engine.encryption)
            frame = encodings.for_reader(of)
            # The same bytes as for a first reader.
            assert frame == EventEncodings(each).for_reader(of), (name, each.event.kind)
            if frame is not None:
                made.append(id(frame))
                sent[name] += frame
        shared += len(made) - len(set(made))
    assert shared > 0
    for secret, who in SHOWN[dialect].items():
        text = cast.hmac_token() if secret == "hmac_token" else secret
        found = {name for name in NAMES if text.encode() in sent[name]}
        assert found == who, secret
