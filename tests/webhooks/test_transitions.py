"""A transition is told with its own values, whatever came after it."""

from typing import Any

import msgspec

from koine.engine.conversations import conversations
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.model.conversation import Conversation
from tests.webhooks.harness import WebhookHarness


async def move(told: WebhookHarness, talk: Conversation, **given: Any) -> None:
    await conversations.change(told.cast.engine, told.boss, talk.id, ConversationChanges(**given))


async def posted(told: WebhookHarness) -> list[dict[str, Any]]:
    """Everything that was posted, in the order of the log."""
    await told.tell()
    rows = [row.event_id for each in await told.all_hooks() for row in await told.log(each)]
    got = sorted(told.receiver.got, key=lambda each: rows.index(each.id))
    return [msgspec.json.decode(each.body) for each in got]


async def test_a_resolution_is_told_though_the_conversation_is_open_again(
    told: WebhookHarness,
) -> None:
    await told.hook(dialect="inbox", kinds=("conversation_status_changed",))
    talk = await told.talk()
    await move(told, talk, status="closed")
    await told.say(talk, "wait", sender_kind="contact", when_closed="reopen")
    bodies = await posted(told)
    assert [body["status"] for body in bodies] == ["resolved", "open"]
    assert [body["changed_attributes"] for body in bodies] == [
        [{"status": {"previous_value": "open", "current_value": "resolved"}}],
        [{"status": {"previous_value": "resolved", "current_value": "open"}}],
    ]


async def test_each_assignment_is_told_with_its_own_assignee(told: WebhookHarness) -> None:
    await told.hook(dialect="inbox", kinds=("conversation_updated",))
    talk, people = await told.talk(), told.cast.acme.people
    for name in ("ada", "alice"):
        await move(told, talk, assignee_id=people[name].id)
    await move(told, talk, assignee_id=None)
    bodies = await posted(told)
    ada, alice = people["ada"].number, people["alice"].number
    whose = [body["meta"]["assignee"] for body in bodies]
    assert [who and who["id"] for who in whose] == [ada, alice, None]
    assert [body["changed_attributes"] for body in bodies] == [
        [{"assignee_id": {"previous_value": before, "current_value": after}}]
        for before, after in ((None, ada), (ada, alice), (alice, None))
    ]


async def test_status_and_the_rest_are_told_by_their_names_and_once(told: WebhookHarness) -> None:
    await told.hook(dialect="inbox", kinds=())
    talk, ada = await told.talk(), told.cast.acme.people["ada"]
    await move(told, talk, status="pending", assignee_id=ada.id, priority="high")
    bodies = (await posted(told))[1:]
    assert [body["event"] for body in bodies] == [
        "conversation_status_changed", "conversation_updated",
    ]  # fmt: skip
    assert [[*each] for body in bodies for each in body["changed_attributes"]] == [
        ["status"], ["assignee_id"], ["priority"],
    ]  # fmt: skip


async def test_what_people_wrote_is_named_and_its_former_value_is_not_kept(
    told: WebhookHarness,
) -> None:
    await told.hook(dialect="inbox", kinds=("conversation_updated",))
    await move(told, await told.talk(), labels='["vip"]', title="New")
    (body,) = await posted(told)
    assert body["changed_attributes"] == [
        {"label_list": {"previous_value": None, "current_value": ["vip"]}}
    ]


async def test_a_closing_that_was_undone_is_told_as_a_closing_at_the_helpdesk(
    told: WebhookHarness,
) -> None:
    await told.hook(dialect="helpdesk", kinds=("conversation.closed", "conversation.assigned"))
    talk, ada = await told.talk(), told.cast.acme.id("ada")
    await move(told, talk, status="closed", assignee_id=ada)
    await move(told, talk, status="open", assignee_id=None)
    bodies = await posted(told)
    assert [(body["event"], body["data"]["status"]) for body in bodies] == [
        ("conversation.closed", "closed"), ("conversation.assigned", "closed"),
    ]  # fmt: skip
    assert [body["data"]["assignedTo"] is None for body in bodies] == [False, False]


async def test_a_message_comes_with_itself_in_its_conversation(told: WebhookHarness) -> None:
    await told.hook(dialect="inbox", kinds=("message_created",))
    talk, carol = await told.talk(), told.cast.acme.people["carol"]
    await told.say(talk, "from us")
    await told.say(talk, "from them", sender_kind="contact", sender_id=carol.id)
    await told.say(talk, "a note", private=True)
    bodies = await posted(told)
    assert len(bodies) == 3
    for body in bodies:
        (said,) = body["conversation"]["messages"]
        same = ("id", "content", "content_type", "private", "source_id")
        assert [said[name] for name in same] == [body[name] for name in same]
        assert said["conversation_id"] == body["conversation"]["id"]
    kinds = [body["conversation"]["messages"][0]["message_type"] for body in bodies]
    assert kinds == [1, 0, 1]


async def test_what_only_the_contacts_client_gave_is_marked(told: WebhookHarness) -> None:
    await told.hook(dialect="inbox", kinds=("message_created",))
    talk, carol = await told.talk(), told.cast.acme.people["carol"]
    await told.say(talk, "one", sender_kind="contact", sender_id=carol.id)
    unproven = PersonChanges(email_verified=False)
    await directory.change(told.cast.engine, told.boss, carol.id, "contact", unproven)
    await told.say(talk, "two", sender_kind="contact", sender_id=carol.id)
    bodies = {body["content"]: body for body in await posted(told)}
    assert bodies["two"]["sender"]["unverified"] == ["email"]
    assert all(body["sender"]["email"] == carol.email for body in bodies.values())
