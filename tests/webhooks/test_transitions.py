"""An event is sent with the values of its change, also when they changed again."""

from typing import Any

import msgspec

from koine.engine.conversations import conversations
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.model.conversation import Conversation
from tests.webhooks.harness import WebhookHarness


async def move(harness: WebhookHarness, conversation: Conversation, **given: Any) -> None:
    await conversations.change(
        harness.cast.engine, harness.admin, conversation.id, ConversationChanges(**given)
    )


async def posted(harness: WebhookHarness) -> list[dict[str, Any]]:
    """All requests, in the order of the event log."""
    await harness.plan_and_send()
    rows = [row.event_id for each in await harness.endpoints() for row in await harness.log(each)]
    got = sorted(harness.receiver.requests, key=lambda each: rows.index(each.id))
    return [msgspec.json.decode(each.body) for each in got]


async def test_a_resolution_is_sent_though_the_conversation_is_open_again(
    harness: WebhookHarness,
) -> None:
    await harness.create_endpoint(dialect="inbox", kinds=("conversation_status_changed",))
    conversation = await harness.create_conversation()
    await move(harness, conversation, status="closed")
    await harness.send_message(conversation, "wait", sender_kind="contact", when_closed="reopen")
    bodies = await posted(harness)
    assert [body["status"] for body in bodies] == ["resolved", "open"]
    assert [body["changed_attributes"] for body in bodies] == [
        [{"status": {"previous_value": "open", "current_value": "resolved"}}],
        [{"status": {"previous_value": "resolved", "current_value": "open"}}],
    ]


async def test_each_assignment_is_sent_with_its_own_assignee(harness: WebhookHarness) -> None:
    await harness.create_endpoint(dialect="inbox", kinds=("conversation_updated",))
    conversation, people = await harness.create_conversation(), harness.cast.acme.people
    for name in ("ada", "alice"):
        await move(harness, conversation, assignee_id=people[name].id)
    await move(harness, conversation, assignee_id=None)
    bodies = await posted(harness)
    ada, alice = people["ada"].number, people["alice"].number
    whose = [body["meta"]["assignee"] for body in bodies]
    assert [who and who["id"] for who in whose] == [ada, alice, None]
    assert [body["changed_attributes"] for body in bodies] == [
        [{"assignee_id": {"previous_value": before, "current_value": after}}]
        for before, after in ((None, ada), (ada, alice), (alice, None))
    ]


async def test_status_and_other_changes_are_sent_by_their_names_and_once(
    harness: WebhookHarness,
) -> None:
    await harness.create_endpoint(dialect="inbox", kinds=())
    conversation, ada = await harness.create_conversation(), harness.cast.acme.people["ada"]
    await move(harness, conversation, status="pending", assignee_id=ada.id, priority="high")
    bodies = (await posted(harness))[1:]
    assert [body["event"] for body in bodies] == [
        "conversation_status_changed", "conversation_updated",
    ]  # fmt: skip
    assert [[*each] for body in bodies for each in body["changed_attributes"]] == [
        ["status"], ["assignee_id"], ["priority"],
    ]  # fmt: skip


async def test_what_people_wrote_is_named_and_its_former_value_is_not_kept(
    harness: WebhookHarness,
) -> None:
    await harness.create_endpoint(dialect="inbox", kinds=("conversation_updated",))
    await move(harness, await harness.create_conversation(), labels='["vip"]', title="New")
    (body,) = await posted(harness)
    assert body["changed_attributes"] == [
        {"label_list": {"previous_value": None, "current_value": ["vip"]}}
    ]


async def test_a_closing_that_was_undone_is_sent_as_a_closing_to_the_helpdesk(
    harness: WebhookHarness,
) -> None:
    await harness.create_endpoint(
        dialect="helpdesk", kinds=("conversation.closed", "conversation.assigned")
    )
    conversation, ada = await harness.create_conversation(), harness.cast.acme.id("ada")
    await move(harness, conversation, status="closed", assignee_id=ada)
    await move(harness, conversation, status="open", assignee_id=None)
    bodies = await posted(harness)
    assert [(body["event"], body["data"]["status"]) for body in bodies] == [
        ("conversation.closed", "closed"), ("conversation.assigned", "closed"),
    ]  # fmt: skip
    assert [body["data"]["assignedTo"] is None for body in bodies] == [False, False]


async def test_a_message_comes_with_itself_in_its_conversation(harness: WebhookHarness) -> None:
    await harness.create_endpoint(dialect="inbox", kinds=("message_created",))
    conversation, carol = await harness.create_conversation(), harness.cast.acme.people["carol"]
    await harness.send_message(conversation, "from us")
    await harness.send_message(conversation, "from them", sender_kind="contact", sender_id=carol.id)
    await harness.send_message(conversation, "a note", private=True)
    bodies = await posted(harness)
    assert len(bodies) == 3
    for body in bodies:
        (said,) = body["conversation"]["messages"]
        same = ("id", "content", "content_type", "private", "source_id")
        assert [said[name] for name in same] == [body[name] for name in same]
        assert said["conversation_id"] == body["conversation"]["id"]
    kinds = [body["conversation"]["messages"][0]["message_type"] for body in bodies]
    assert kinds == [1, 0, 1]


async def test_what_only_the_contacts_client_gave_is_marked(harness: WebhookHarness) -> None:
    await harness.create_endpoint(dialect="inbox", kinds=("message_created",))
    conversation, carol = await harness.create_conversation(), harness.cast.acme.people["carol"]
    await harness.send_message(conversation, "one", sender_kind="contact", sender_id=carol.id)
    unproven = PersonChanges(email_verified=False)
    await directory.change(harness.cast.engine, harness.admin, carol.id, "contact", unproven)
    await harness.send_message(conversation, "two", sender_kind="contact", sender_id=carol.id)
    bodies = {body["content"]: body for body in await posted(harness)}
    assert bodies["two"]["sender"]["unverified"] == ["email"]
    assert all(body["sender"]["email"] == carol.email for body in bodies.values())
