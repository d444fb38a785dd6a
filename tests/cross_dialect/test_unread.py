"""Unread counts: reading in one dialect changes the count of the others."""

from typing import Any

from tests.drivers.base import Driver
from tests.drivers.cast_app import CastApp


async def unread(drivers: dict[str, Driver], conversation_id: str) -> int:
    listed: Any = await drivers["delivery"].request("GET", "/messaging/conversations?limit=100")
    found = (c["unread_count"] for c in listed["conversations"] if c["id"] == conversation_id)
    count: int = next(found)
    return count


async def test_messages_of_other_dialects_are_unread_until_they_are_read(
    cast_app: CastApp, drivers: dict[str, Driver]
) -> None:
    conversation = await cast_app.create_conversation()
    for name in ("inbox", "helpdesk", "chats"):
        await drivers[name].post(conversation, name)
    assert await unread(drivers, conversation.id) == 3
    await drivers["delivery"].read(conversation)
    assert await unread(drivers, conversation.id) == 0


async def test_a_private_note_is_not_unread_for_a_driver(
    cast_app: CastApp, drivers: dict[str, Driver]
) -> None:
    conversation = await cast_app.create_conversation()
    await cast_app.add_note(conversation, "a note")
    assert await unread(drivers, conversation.id) == 0
    await drivers["inbox"].post(conversation, "aloud")
    assert await unread(drivers, conversation.id) == 1


async def test_own_messages_are_not_unread(cast_app: CastApp, drivers: dict[str, Driver]) -> None:
    conversation = await cast_app.create_conversation()
    await drivers["delivery"].post(conversation, "mine")
    assert await unread(drivers, conversation.id) == 0


async def test_a_contact_marks_messages_as_seen(
    cast_app: CastApp, drivers: dict[str, Driver]
) -> None:
    conversation = await cast_app.create_conversation()
    await drivers["helpdesk"].post(conversation, "look")
    shown = await drivers["inbox"].get(conversation)
    assert shown["contact_last_seen_at"] == 0
    url = f"{drivers['inbox'].conversation_path(conversation)}/update_last_seen"  # type: ignore[attr-defined]  # the inbox's own
    await drivers["inbox"].request("POST", url)
    shown = await drivers["inbox"].get(conversation)
    assert shown["contact_last_seen_at"] == cast_app.cast.clock.now() // 1_000_000


async def test_nothing_is_unread_after_leaving(
    cast_app: CastApp, drivers: dict[str, Driver]
) -> None:
    conversation, alice = await cast_app.create_conversation(), cast_app.cast.acme.id("alice")
    await drivers["inbox"].post(conversation, "hello")
    assert (await drivers["native"].get(conversation))["unread_count"] == 1
    await drivers["native"].request(
        "DELETE", f"/v1/conversations/{conversation.id}/participants/{alice}"
    )
    assert (await drivers["native"].get(conversation))["unread_count"] == 0
