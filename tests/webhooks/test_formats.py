"""What each dialect posts and how it is signed, as its receivers check it."""

import hashlib
import hmac
import time
from uuid import UUID

import msgspec
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from koine.engine.conversations import conversations
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.people import directory
from koine.engine.webhooks import endpoints
from koine.kit.clock import FakeClock
from koine.model.identity import NewIdentity
from tests.support.webhook_receiver import ReceivedRequest
from tests.webhooks.harness import WebhookHarness


def body(got: ReceivedRequest) -> dict[str, object]:
    found: dict[str, object] = msgspec.json.decode(got.body)
    return found


async def test_the_library_of_standard_webhooks_believes_it(told: WebhookHarness) -> None:
    told.cast.clock.advance(time.time() - FakeClock().now() / 1e6)
    made = await told.hook()
    await told.say(await told.talk(), "hello")
    await told.tell()
    (got,) = told.receiver.got
    assert Webhook(made.secret).verify(got.body.decode(), got.headers) == body(got)
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(got.body.decode() + " ", got.headers)


async def test_while_a_secret_is_rotated_both_are_believed(told: WebhookHarness) -> None:
    told.cast.clock.advance(time.time() - FakeClock().now() / 1e6)
    made = await told.hook()
    engine = told.cast.engine
    new = await endpoints.rotate(engine, told.boss, engine.encryption, made.endpoint.id, 1)
    talk = await told.talk()
    await told.say(talk)
    await told.tell()
    told.cast.clock.advance(3601)
    await told.say(talk)
    await told.tell()
    first, second = told.receiver.got
    for secret in (made.secret, new.secret):
        Webhook(secret).verify(first.body.decode(), first.headers)
    assert len(second.headers["webhook-signature"].split()) == 1


async def told_by(told: WebhookHarness, dialect: str) -> tuple[str, list[ReceivedRequest]]:
    """One of everything a desk does, as the dialect posts it."""
    made = await told.hook(dialect=dialect, kinds=())
    engine, acme, talk = told.cast.engine, told.cast.acme, await told.talk()
    await told.say(talk, "from us")
    await told.say(talk, "from them", sender_kind="contact", sender_id=acme.id("carol"))
    for changes in (
        ConversationChanges(title="New"),
        ConversationChanges(assignee_id=acme.id("ada")),
        ConversationChanges(status="closed"),
    ):
        await conversations.change(engine, told.boss, talk.id, changes)
    await directory.create(engine, told.boss, NewIdentity(kind="contact", name="Zoe"))
    await told.tell()
    return made.secret, sorted(told.receiver.got, key=lambda got: str(body(got).get("timestamp")))


async def test_helpdesk_names_and_signature(told: WebhookHarness) -> None:
    secret, got = await told_by(told, "helpdesk")
    assert sorted(str(body(each)["event"]) for each in got) == [
        "conversation.assigned", "conversation.closed", "conversation.created",
        "conversation.updated", "customer.created", "message.received", "message.sent",
    ]  # fmt: skip
    for each in got:
        expected = hmac.new(secret.encode(), each.body, hashlib.sha256).hexdigest()
        assert each.headers["x-webhook-signature"] == expected
        assert set(body(each)) == {"event", "timestamp", "data"}
        assert each.headers["webhook-signature"].startswith("v1,")


async def test_inbox_names_and_signature(told: WebhookHarness) -> None:
    secret, got = await told_by(told, "inbox")
    assert sorted(str(body(each)["event"]) for each in got) == [
        "conversation_created", "conversation_status_changed", "conversation_updated",
        "conversation_updated", "message_created", "message_created",
    ]  # fmt: skip
    for each in got:
        signed = f"{each.headers['x-chatwoot-timestamp']}.".encode() + each.body
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        assert each.headers["x-chatwoot-signature"] == f"sha256={expected}"
        assert UUID(each.headers["x-chatwoot-delivery"]).hex == each.id.removeprefix("evt_")


async def test_an_inbox_message_has_the_keys_of_the_contract(told: WebhookHarness) -> None:
    _, got = await told_by(told, "inbox")
    said = [body(each) for each in got if body(each)["event"] == "message_created"]
    keys = (
        "account additional_attributes content_attributes content_type content conversation "
        "created_at id inbox message_type private sender source_id event"
    )
    assert all(set(each) == set(keys.split()) for each in said)
    assert sorted(str(each["message_type"]) for each in said) == ["incoming", "outgoing"]


async def test_an_update_by_another_name_is_still_an_update(told: WebhookHarness) -> None:
    await told.hook(dialect="helpdesk", kinds=("conversation.updated",))
    await told.hook(dialect="helpdesk", kinds=("conversation.closed",))
    talk = await told.talk()
    await conversations.change(
        told.cast.engine, told.boss, talk.id, ConversationChanges(status="closed")
    )
    await told.tell()
    assert sorted(str(body(got)["event"]) for got in told.receiver.got) == [
        "conversation.closed", "conversation.updated",
    ]  # fmt: skip


async def test_own_headers_are_sent_and_not_kept(told: WebhookHarness) -> None:
    await told.hook(headers={"X-Token": "open sesame"})
    await told.say(await told.talk())
    await told.tell()
    assert told.receiver.got[0].headers["x-token"] == "open sesame"


async def test_an_assignment_that_comes_with_a_closing_is_told_by_its_name(
    told: WebhookHarness,
) -> None:
    await told.hook(dialect="helpdesk", kinds=("conversation.assigned",))
    talk = await told.talk()
    both = ConversationChanges(status="closed", assignee_id=told.cast.acme.id("ada"))
    await conversations.change(told.cast.engine, told.boss, talk.id, both)
    await told.tell()
    assert [body(got)["event"] for got in told.receiver.got] == ["conversation.assigned"]
