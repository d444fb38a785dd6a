"""The requests and signatures of each webhook format, checked as receivers do."""

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
from koine.server.webhook_formats import webhook_formats
from tests.support.webhook_receiver import ReceivedRequest
from tests.webhooks.harness import WebhookHarness


def body(got: ReceivedRequest) -> dict[str, object]:
    found: dict[str, object] = msgspec.json.decode(got.body)
    return found


async def test_the_library_of_standard_webhooks_verifies_the_signature(
    harness: WebhookHarness,
) -> None:
    harness.cast.clock.advance(time.time() - FakeClock().now() / 1e6)
    made = await harness.create_endpoint()
    await harness.send_message(await harness.create_conversation(), "hello")
    await harness.plan_and_send()
    (got,) = harness.receiver.requests
    assert Webhook(made.secret).verify(got.body.decode(), got.headers) == body(got)
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(got.body.decode() + " ", got.headers)


async def test_during_a_rotation_both_secrets_verify(harness: WebhookHarness) -> None:
    harness.cast.clock.advance(time.time() - FakeClock().now() / 1e6)
    made = await harness.create_endpoint()
    engine = harness.cast.engine
    new = await endpoints.rotate(engine, harness.admin, engine.encryption, made.endpoint.id, 1)
    conversation = await harness.create_conversation()
    await harness.send_message(conversation)
    await harness.plan_and_send()
    harness.cast.clock.advance(3601)
    await harness.send_message(conversation)
    await harness.plan_and_send()
    first, second = harness.receiver.requests
    for secret in (made.secret, new.secret):
        Webhook(secret).verify(first.body.decode(), first.headers)
    assert len(second.headers["webhook-signature"].split()) == 1


async def sent_in(harness: WebhookHarness, dialect: str) -> tuple[str, list[ReceivedRequest]]:
    """The request of each event kind that agents cause, in this dialect's format."""
    made = await harness.create_endpoint(dialect=dialect, kinds=())
    engine, acme, conversation = (
        harness.cast.engine,
        harness.cast.acme,
        await harness.create_conversation(),
    )
    await harness.send_message(conversation, "from us")
    await harness.send_message(
        conversation, "from them", sender_kind="contact", sender_id=acme.id("carol")
    )
    for changes in (
        ConversationChanges(title="New"),
        ConversationChanges(assignee_id=acme.id("ada")),
        ConversationChanges(status="closed"),
    ):
        await conversations.change(engine, harness.admin, conversation.id, changes)
    await directory.create(engine, harness.admin, NewIdentity(kind="contact", name="Zoe"))
    await harness.plan_and_send()
    return made.secret, sorted(
        harness.receiver.requests, key=lambda got: str(body(got).get("timestamp"))
    )


async def test_helpdesk_names_and_signature(harness: WebhookHarness) -> None:
    secret, got = await sent_in(harness, "helpdesk")
    assert sorted(str(body(each)["event"]) for each in got) == [
        "conversation.assigned", "conversation.closed", "conversation.created",
        "conversation.updated", "customer.created", "message.received", "message.sent",
    ]  # fmt: skip
    for each in got:
        expected = hmac.new(secret.encode(), each.body, hashlib.sha256).hexdigest()
        assert each.headers["x-webhook-signature"] == expected
        assert set(body(each)) == {"event", "timestamp", "data"}
        assert each.headers["webhook-signature"].startswith("v1,")


async def test_inbox_names_and_signature(harness: WebhookHarness) -> None:
    secret, got = await sent_in(harness, "inbox")
    assert sorted(str(body(each)["event"]) for each in got) == [
        "conversation_created", "conversation_status_changed", "conversation_updated",
        "conversation_updated", "message_created", "message_created",
    ]  # fmt: skip
    for each in got:
        signed = f"{each.headers['x-chatwoot-timestamp']}.".encode() + each.body
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        assert each.headers["x-chatwoot-signature"] == f"sha256={expected}"
        assert UUID(each.headers["x-chatwoot-delivery"]).hex == each.id.removeprefix("evt_")


@pytest.mark.parametrize("dialect", ["native", "helpdesk", "inbox"])
def test_the_headers_of_signatures_are_reserved(dialect: str) -> None:
    format_ = webhook_formats("https://koine.test")[dialect]
    names = format_.signatures(["s"], f"evt_{UUID(int=1).hex}", 1, b"{}")
    assert all(name.lower().startswith(format_.header_prefixes) for name in names)


async def test_an_inbox_message_has_the_keys_of_the_contract(harness: WebhookHarness) -> None:
    _, got = await sent_in(harness, "inbox")
    said = [body(each) for each in got if body(each)["event"] == "message_created"]
    keys = (
        "account additional_attributes content_attributes content_type content conversation "
        "created_at id inbox message_type private sender source_id event"
    )
    assert all(set(each) == set(keys.split()) for each in said)
    assert sorted(str(each["message_type"]) for each in said) == ["incoming", "outgoing"]


async def test_an_update_by_another_name_is_still_an_update(harness: WebhookHarness) -> None:
    await harness.create_endpoint(dialect="helpdesk", kinds=("conversation.updated",))
    await harness.create_endpoint(dialect="helpdesk", kinds=("conversation.closed",))
    conversation = await harness.create_conversation()
    await conversations.change(
        harness.cast.engine, harness.admin, conversation.id, ConversationChanges(status="closed")
    )
    await harness.plan_and_send()
    assert sorted(str(body(got)["event"]) for got in harness.receiver.requests) == [
        "conversation.closed", "conversation.updated",
    ]  # fmt: skip


async def test_the_endpoints_headers_are_sent_and_not_logged(harness: WebhookHarness) -> None:
    await harness.create_endpoint(headers={"X-Token": "open sesame"})
    await harness.send_message(await harness.create_conversation())
    await harness.plan_and_send()
    assert harness.receiver.requests[0].headers["x-token"] == "open sesame"


async def test_an_assignment_with_a_closing_is_sent_as_an_assignment(
    harness: WebhookHarness,
) -> None:
    await harness.create_endpoint(dialect="helpdesk", kinds=("conversation.assigned",))
    conversation = await harness.create_conversation()
    both = ConversationChanges(status="closed", assignee_id=harness.cast.acme.id("ada"))
    await conversations.change(harness.cast.engine, harness.admin, conversation.id, both)
    await harness.plan_and_send()
    assert [body(got)["event"] for got in harness.receiver.requests] == ["conversation.assigned"]
