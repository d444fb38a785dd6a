"""Behaviour that every dialect has, tested in each."""

import pytest
from msgspec import structs

from koine.engine.conversations import conversations
from koine.http.app import build_app
from koine.model.actor import operator
from koine.model.conversation import Conversation
from koine.store.core.db import Database
from tests.drivers.asgi import Caller
from tests.drivers.base import Driver, Refused
from tests.drivers.cast_app import CastApp, make_cast_app
from tests.drivers.registry import DRIVERS

pytestmark = pytest.mark.parametrize("name", DRIVERS)


async def all_pages(driver: Driver, conversation: Conversation, size: int) -> list[str]:
    """The texts of all pages, one after another."""
    found: list[str] = []
    for number in range(1, 100):
        page = await driver.page(conversation, number, size)
        if not page:
            break
        found += page
    return found


async def test_what_is_posted_is_read_back(
    cast_app: CastApp, drivers: dict[str, Driver], name: str
) -> None:
    conversation = await cast_app.create_conversation()
    for text in ("one", "zwei", "三 \N{GRINNING FACE} \u202e"):
        await drivers[name].post(conversation, text)
    assert await drivers[name].read(conversation) == ["one", "zwei", "三 \N{GRINNING FACE} \u202e"]


async def test_pages_return_every_message_once(
    cast_app: CastApp, drivers: dict[str, Driver], name: str
) -> None:
    conversation = await cast_app.create_conversation()
    for number in range(45):
        await drivers["helpdesk"].post(conversation, f"{number}")
    found = await all_pages(drivers[name], conversation, 7)
    assert len(found) == 45
    assert found in ([f"{n}" for n in range(45)], [f"{n}" for n in range(44, -1, -1)])


async def test_pages_return_every_conversation_once(db: Database, name: str) -> None:
    cast_app = await make_cast_app(db)
    driver = DRIVERS[name](cast_app)
    ids = []
    for _ in range(13):
        cast_app.cast.clock.advance(seconds=1)
        ids.append((await cast_app.create_conversation()).id)
    found = [each for number in range(1, 9) for each in await driver.list_ids(number, 3)]
    assert found == (ids if name == "inbox" else ids[::-1])


async def test_only_staff_sees_a_private_note(
    cast_app: CastApp, drivers: dict[str, Driver], name: str
) -> None:
    conversation = await cast_app.create_conversation()
    await drivers["inbox"].post(conversation, "before")
    await cast_app.add_note(conversation, "a private note")
    await drivers["inbox"].post(conversation, "after")
    driver = drivers[name]
    assert ("a private note" in await driver.read(conversation)) == driver.sees_notes
    assert [t for t in await driver.read(conversation) if "private note" not in t] == [
        "before",
        "after",
    ]
    if not driver.sees_notes:
        assert "private note" not in str(await driver.get(conversation)) + str(
            await driver.call("GET", "/")
        )


async def test_a_closed_conversation_is_closed_in_every_dialect(
    cast_app: CastApp, drivers: dict[str, Driver], name: str
) -> None:
    conversation = await cast_app.create_conversation()
    closing = conversations.ConversationChanges(status="closed")
    admin = operator(cast_app.cast.acme.tenant.id)
    await conversations.change(cast_app.cast.engine, admin, conversation.id, closing)
    if name != "chats":  # which has no closed state
        assert drivers[name].is_closed(await drivers[name].get(conversation))


async def test_closing_in_one_dialect_closes_in_every_other(
    cast_app: CastApp, drivers: dict[str, Driver], name: str
) -> None:
    conversation = await cast_app.create_conversation()
    if type(drivers[name]).close is Driver.close:
        pytest.skip("nothing closes a conversation in this dialect")
    await drivers[name].close(conversation)
    for other in drivers.values():
        if other.name != "chats":
            assert other.is_closed(await other.get(conversation)), other.name


CLOSED = {
    "delivery": "refuses", "helpdesk": "keeps", "chats": "keeps", "inbox": "opens",
    "native": "refuses",
}  # fmt: skip


async def test_a_message_to_a_closed_conversation(
    cast_app: CastApp, drivers: dict[str, Driver], name: str
) -> None:
    conversation = await cast_app.create_conversation()
    await drivers["helpdesk"].close(conversation)
    if CLOSED[name] == "refuses":
        with pytest.raises(Refused) as refused:
            await drivers[name].post(conversation, "late")
        assert refused.value.reply.status == 409
        assert await drivers["helpdesk"].read(conversation) == []
        return
    await drivers[name].post(conversation, "late")
    closed = drivers["helpdesk"].is_closed(await drivers["helpdesk"].get(conversation))
    assert closed == (CLOSED[name] == "keeps")


async def test_a_removed_conversation_is_not_found(
    cast_app: CastApp, drivers: dict[str, Driver], name: str
) -> None:
    conversation = await cast_app.create_conversation()
    await drivers["helpdesk"].post(conversation, "soon gone")
    await conversations.remove(
        cast_app.cast.engine, operator(cast_app.cast.acme.tenant.id), conversation.id
    )
    driver = drivers[name]
    assert conversation.id not in await driver.list_ids()
    if name == "chats":
        assert (await driver.get(conversation))["isRemoved"] is True
        return
    with pytest.raises(Refused) as refused:
        await driver.get(conversation)
    assert refused.value.reply.status == 404


async def test_a_removed_conversation_accepts_no_message(
    cast_app: CastApp, drivers: dict[str, Driver], name: str
) -> None:
    conversation = await cast_app.create_conversation()
    await conversations.remove(
        cast_app.cast.engine, operator(cast_app.cast.acme.tenant.id), conversation.id
    )
    with pytest.raises(Refused) as refused:
        await drivers[name].post(conversation, "too late")
    assert refused.value.reply.status == 404


async def test_two_posts_with_one_key_are_one_message(
    cast_app: CastApp, drivers: dict[str, Driver], name: str
) -> None:
    conversation = await cast_app.create_conversation()
    driver = drivers[name]
    driver.call.headers["Idempotency-Key"] = f"key-{conversation.id}"
    for _ in range(2):
        await driver.post(conversation, "once")
    assert await drivers["helpdesk"].read(conversation) == ["once"]


async def test_a_key_is_valid_longer_than_the_stored_response(cast_app: CastApp, name: str) -> None:
    conversation, engine = await cast_app.create_conversation(), cast_app.cast.engine
    without_store = Caller(build_app(cast_app.dialects, engine, engine.settings))
    driver = DRIVERS[name](CastApp(cast_app.cast, without_store, cast_app.dialects))
    driver.call.headers["Idempotency-Key"] = f"key-{conversation.id}"
    for _ in range(2):
        await driver.post(conversation, "once")
    assert await driver.read(conversation) == ["once"]


async def test_another_tenants_conversation_is_not_found(
    cast_app: CastApp, drivers: dict[str, Driver], name: str
) -> None:
    rivals = await cast_app.create_conversation("carol", company="rival")
    # Numbers of conversations are per tenant: the rival's number may exist here, too.
    unknown = structs.replace(rivals, number=rivals.number + 1_000_000)
    for conversation in (rivals, unknown)[name == "inbox" :]:
        with pytest.raises(Refused) as refused:
            await drivers[name].get(conversation)
        assert refused.value.reply.status == 404
    assert rivals.id not in await drivers[name].list_ids()
