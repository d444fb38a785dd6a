"""One behaviour, asked of every dialect in turn."""

import pytest
from msgspec import structs

from koine.engine.conversations import conversations
from koine.http.app import build_app
from koine.model.actor import operator
from koine.model.conversation import Conversation
from koine.store.core.db import Database
from tests.drivers.asgi import Caller
from tests.drivers.base import Driver, Refused
from tests.drivers.everyone import DRIVERS
from tests.drivers.world import World, make_world

pytestmark = pytest.mark.parametrize("name", DRIVERS)


async def walked(driver: Driver, talk: Conversation, size: int) -> list[str]:
    """All pages, one after another."""
    found: list[str] = []
    for number in range(1, 100):
        page = await driver.page(talk, number, size)
        if not page:
            break
        found += page
    return found


async def test_what_is_posted_is_read_back(
    world: World, speak: dict[str, Driver], name: str
) -> None:
    talk = await world.talk()
    for text in ("one", "zwei", "三 \N{GRINNING FACE} \u202e"):
        await speak[name].post(talk, text)
    assert await speak[name].read(talk) == ["one", "zwei", "三 \N{GRINNING FACE} \u202e"]


async def test_paging_walks_everything_once(
    world: World, speak: dict[str, Driver], name: str
) -> None:
    talk = await world.talk()
    for number in range(45):
        await speak["helpdesk"].post(talk, f"{number}")
    found = await walked(speak[name], talk, 7)
    assert len(found) == 45
    assert found in ([f"{n}" for n in range(45)], [f"{n}" for n in range(44, -1, -1)])


async def test_paging_walks_every_conversation_once(db: Database, name: str) -> None:
    world = await make_world(db)
    driver = DRIVERS[name](world)
    talks = []
    for _ in range(13):
        world.cast.clock.advance(seconds=1)
        talks.append((await world.talk()).id)
    found = [each for number in range(1, 9) for each in await driver.listed(number, 3)]
    assert found == (talks if name == "inbox" else talks[::-1])


async def test_a_note_is_seen_by_the_desk_alone(
    world: World, speak: dict[str, Driver], name: str
) -> None:
    talk = await world.talk()
    await speak["inbox"].post(talk, "before")
    await world.note(talk, "psst, the canary")
    await speak["inbox"].post(talk, "after")
    driver = speak[name]
    assert ("psst, the canary" in await driver.read(talk)) == driver.sees_notes
    assert [t for t in await driver.read(talk) if "psst" not in t] == ["before", "after"]
    if not driver.sees_notes:
        assert "psst" not in str(await driver.get(talk)) + str(await driver.call("GET", "/"))


async def test_a_closed_one_is_closed_to_all(
    world: World, speak: dict[str, Driver], name: str
) -> None:
    talk = await world.talk()
    closing = conversations.ConversationChanges(status="closed")
    desk = operator(world.cast.acme.tenant.id)
    await conversations.change(world.cast.engine, desk, talk.id, closing)
    if name != "chats":  # which has no word for it
        assert speak[name].is_closed(await speak[name].get(talk))


async def test_closed_in_one_closed_in_every_other(
    world: World, speak: dict[str, Driver], name: str
) -> None:
    talk = await world.talk()
    if type(speak[name]).close is Driver.close:
        pytest.skip("nothing closes a conversation in this dialect")
    await speak[name].close(talk)
    for other in speak.values():
        if other.name != "chats":
            assert other.is_closed(await other.get(talk)), other.name


CLOSED = {
    "delivery": "refuses", "helpdesk": "keeps", "chats": "keeps", "inbox": "opens",
    "native": "refuses",
}  # fmt: skip


async def test_what_a_word_does_to_a_closed_one(
    world: World, speak: dict[str, Driver], name: str
) -> None:
    talk = await world.talk()
    await speak["helpdesk"].close(talk)
    if CLOSED[name] == "refuses":
        with pytest.raises(Refused) as no:
            await speak[name].post(talk, "late")
        assert no.value.reply.status == 409
        assert await speak["helpdesk"].read(talk) == []
        return
    await speak[name].post(talk, "late")
    closed = speak["helpdesk"].is_closed(await speak["helpdesk"].get(talk))
    assert closed == (CLOSED[name] == "keeps")


async def test_a_removed_one_is_gone(world: World, speak: dict[str, Driver], name: str) -> None:
    talk = await world.talk()
    await speak["helpdesk"].post(talk, "soon gone")
    await conversations.remove(world.cast.engine, operator(world.cast.acme.tenant.id), talk.id)
    driver = speak[name]
    assert talk.id not in await driver.listed()
    if name == "chats":
        assert (await driver.get(talk))["isRemoved"] is True
        return
    with pytest.raises(Refused) as no:
        await driver.get(talk)
    assert no.value.reply.status == 404


async def test_a_removed_one_takes_no_word(
    world: World, speak: dict[str, Driver], name: str
) -> None:
    talk = await world.talk()
    await conversations.remove(world.cast.engine, operator(world.cast.acme.tenant.id), talk.id)
    with pytest.raises(Refused) as no:
        await speak[name].post(talk, "too late")
    assert no.value.reply.status == 404


async def test_the_same_key_is_the_same_message(
    world: World, speak: dict[str, Driver], name: str
) -> None:
    talk = await world.talk()
    driver = speak[name]
    driver.call.headers["Idempotency-Key"] = f"key-{talk.id}"
    for _ in range(2):
        await driver.post(talk, "once")
    assert await speak["helpdesk"].read(talk) == ["once"]


async def test_the_key_holds_longer_than_the_answer_is_kept(world: World, name: str) -> None:
    talk, engine = await world.talk(), world.cast.engine
    forgetful = Caller(build_app(world.dialects, engine, engine.settings))
    driver = DRIVERS[name](World(world.cast, forgetful, world.dialects))
    driver.call.headers["Idempotency-Key"] = f"key-{talk.id}"
    for _ in range(2):
        await driver.post(talk, "once")
    assert await driver.read(talk) == ["once"]


async def test_the_rivals_is_not_there(world: World, speak: dict[str, Driver], name: str) -> None:
    rivals = await world.talk("carol", company="rival")
    # The inbox counts conversations in each tenant: the same number may be one of our own.
    unknown = structs.replace(rivals, number=rivals.number + 1_000_000)
    for talk in (rivals, unknown)[name == "inbox" :]:
        with pytest.raises(Refused) as no:
            await speak[name].get(talk)
        assert no.value.reply.status == 404
    assert rivals.id not in await speak[name].listed()
