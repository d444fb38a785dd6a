"""After retention has deleted the first messages of a conversation, every dialect pages through
those that are left, shows them as the last ones, and goes on."""

import pytest

from koine.engine.conversations import conversations, messages
from koine.engine.retention import holds, rules, runs
from koine.engine.retention.rules import PeriodChanges
from koine.model.conversation import Conversation
from koine.model.message import Draft
from tests.drivers.base import Driver, Refused
from tests.drivers.cast_app import CastApp
from tests.drivers.registry import make_drivers

DAY = 24 * 3600
NAMES = ("native", "delivery", "helpdesk", "chats", "inbox")
OLD, NEW = [f"old {n}" for n in range(5)], [f"new {n}" for n in range(5)]


async def say(cast_app: CastApp, at: Conversation, texts: list[str]) -> None:
    cast = cast_app.cast
    for text in texts:
        cast.clock.advance(1)
        draft = Draft(content=text, sender_id=cast.acme.id("carol"), sender_kind="contact")
        await messages.send_unchecked(cast.engine, cast.acme.actor("carol"), at.id, draft)


async def trimmed(cast_app: CastApp, new: list[str]) -> Conversation:
    """A conversation whose old messages were deleted."""
    at, ada = await cast_app.create_conversation(), cast_app.cast.acme.actor("ada")
    await say(cast_app, at, OLD)
    await cast_app.add_note(at, "an old note")
    cast_app.cast.clock.advance(31 * DAY)
    await say(cast_app, at, new)
    engine = cast_app.cast.engine
    await rules.change(engine, ada, PeriodChanges(messages=30))
    await runs.run(engine, ada)
    found = await conversations.get(engine, ada, at.id)
    return found.items[0]


async def pages(driver: Driver, at: Conversation, size: int) -> list[str]:
    found: list[str] = []
    for number in range(1, 12):
        page = await driver.page(at, number, size)
        if not page:
            break
        found += page
    return found


@pytest.mark.parametrize("name", NAMES)
async def test_pages_have_the_messages_that_are_left(cast_app: CastApp, name: str) -> None:
    at = await trimmed(cast_app, NEW)
    driver = make_drivers(cast_app)[name]  # after the clock was moved: tokens expire
    assert sorted(await pages(driver, at, 2)) == NEW
    assert await driver.read(at) == NEW
    assert driver.last_text(await driver.get(at)) in (NEW[-1], None)
    await driver.post(at, "newest")
    assert await driver.read(at) == [*NEW, "newest"]


@pytest.mark.parametrize("name", NAMES)
async def test_a_conversation_of_which_nothing_is_left_is_empty_and_goes_on(
    cast_app: CastApp, name: str
) -> None:
    at = await trimmed(cast_app, [])
    driver = make_drivers(cast_app)[name]
    assert await pages(driver, at, 2) == []
    shown = await driver.get(at)
    assert "old 4" not in str(shown)
    assert at.id in await driver.list_ids()
    await driver.post(at, "first")
    assert await driver.read(at) == ["first"]


async def test_totals_and_unread_counts_are_of_what_is_left(cast_app: CastApp) -> None:
    at = await trimmed(cast_app, NEW)
    drivers = make_drivers(cast_app)
    shown = await drivers["native"].get(at)
    assert (shown["message_count"], shown["unread_count"]) == (5, 5)
    listed = await drivers["delivery"].request("GET", "/messaging/conversations?limit=100")
    (found,) = (c for c in listed["conversations"] if c["id"] == at.id)
    assert found["unread_count"] == 5


async def test_what_is_held_is_not_deleted_by_hand(
    cast_app: CastApp, drivers: dict[str, Driver]
) -> None:
    at, ada = await cast_app.create_conversation(), cast_app.cast.acme.actor("ada")
    await say(cast_app, at, OLD)
    engine = cast_app.cast.engine
    await holds.place(engine, ada, "conversation", at.id, "case 4711")
    for name, url, body in (
        ("native", f"/v1/conversations/{at.id}?mode=permanent", None),
        ("helpdesk", f"/api/v1/conversations/{at.id}", {"reason": "asked"}),
    ):
        with pytest.raises(Refused) as refused:
            await drivers[name].request("DELETE", url, body)
        assert refused.value.reply.status == 409
    assert await drivers["native"].read(at) == OLD
    await holds.release(engine, ada, at.id)
    await drivers["native"].request("DELETE", f"/v1/conversations/{at.id}?mode=permanent")
