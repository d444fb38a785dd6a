"""Unread is derived: reading in one place is what the others show."""

from typing import Any

from tests.drivers.base import Driver
from tests.drivers.world import World


async def unread(speak: dict[str, Driver], talk_id: str) -> int:
    listed: Any = await speak["delivery"].ask("GET", "/messaging/conversations?limit=100")
    found = (c["unread_count"] for c in listed["conversations"] if c["id"] == talk_id)
    count: int = next(found)
    return count


async def test_whatever_is_said_elsewhere_is_unread_until_it_is_read(
    world: World, speak: dict[str, Driver]
) -> None:
    talk = await world.talk()
    for name in ("inbox", "helpdesk", "chats"):
        await speak[name].post(talk, name)
    assert await unread(speak, talk.id) == 3
    await speak["delivery"].read(talk)
    assert await unread(speak, talk.id) == 0


async def test_a_note_is_not_unread_to_who_may_not_see_it(
    world: World, speak: dict[str, Driver]
) -> None:
    talk = await world.talk()
    await world.note(talk, "psst")
    assert await unread(speak, talk.id) == 0
    await speak["inbox"].post(talk, "aloud")
    assert await unread(speak, talk.id) == 1


async def test_own_words_are_not_unread(world: World, speak: dict[str, Driver]) -> None:
    talk = await world.talk()
    await speak["delivery"].post(talk, "mine")
    assert await unread(speak, talk.id) == 0


async def test_the_contact_has_seen_what_it_says_it_has(
    world: World, speak: dict[str, Driver]
) -> None:
    talk = await world.talk()
    await speak["helpdesk"].post(talk, "look")
    shown = await speak["inbox"].get(talk)
    assert shown["contact_last_seen_at"] == 0
    url = f"{speak['inbox'].at(talk)}/update_last_seen"  # type: ignore[attr-defined]  # the inbox's own
    await speak["inbox"].ask("POST", url)
    shown = await speak["inbox"].get(talk)
    assert shown["contact_last_seen_at"] == world.cast.clock.now() // 1_000_000


async def test_nothing_is_unread_to_who_takes_part_no_more(
    world: World, speak: dict[str, Driver]
) -> None:
    talk, alice = await world.talk(), world.cast.acme.id("alice")
    await speak["inbox"].post(talk, "hello")
    assert (await speak["native"].get(talk))["unread_count"] == 1
    await speak["native"].ask("DELETE", f"/v1/conversations/{talk.id}/participants/{alice}")
    assert (await speak["native"].get(talk))["unread_count"] == 0
