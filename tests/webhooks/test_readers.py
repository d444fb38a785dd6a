"""Payloads contain what the endpoint's owner may read, as `GET` returns it, and nothing else."""

import msgspec
import pytest

from koine.engine import deliveries, tenants
from koine.engine.auth import access
from koine.engine.contacts import inboxes
from koine.engine.conversations import conversations
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.deliveries import DeliveryInput
from koine.engine.people import directory
from koine.engine.webhooks import deliveries as webhook_deliveries
from koine.engine.webhooks import endpoints
from koine.engine.webhooks.endpoints import CreatedEndpoint, NewEndpoint
from koine.model.actor import Actor
from koine.model.conversation import Conversation, NewConversation
from koine.model.identity import NewIdentity
from koine.model.permissions import PERMISSIONS, READ_WEBHOOKS, WRITE_WEBHOOKS
from tests.webhooks.harness import WebhookHarness

SECRET = "my card is 4711"


async def user(harness: WebhookHarness, role: str | None, *more: str) -> Actor:
    """A user with this role and further permissions."""
    given = msgspec.json.encode(more).decode()
    new = NewIdentity(kind="user", name="Eve", role=role, permissions=given)
    eve = await directory.create(harness.cast.engine, harness.admin, new)
    return Actor(
        harness.admin.tenant_id, "user", eve.id, role, access.effective_permissions(role, given)
    )


async def listening(
    harness: WebhookHarness, owner: Actor, path: str, *kinds: str
) -> CreatedEndpoint:
    new = NewEndpoint(dialect="native", url=f"{harness.receiver.url}/{path}", kinds=kinds)
    return await endpoints.create(harness.cast.engine, owner, new)


async def support(harness: WebhookHarness, *readers: Actor) -> Conversation:
    """A support conversation with a message."""
    named = tenants.TenantChanges(support_user_ids=[each.identity_id or "" for each in readers])
    await tenants.change(harness.cast.engine, harness.admin, named)
    new = NewConversation(kind="support", owner_id=harness.cast.acme.id("carol"))
    conversation = await conversations.create(harness.cast.engine, harness.admin, new)
    await harness.send_message(conversation, SECRET)
    return conversation


async def test_no_payload_previews_a_support_conversation_to_an_owner_who_may_not_read_it(
    harness: WebhookHarness,
) -> None:
    eve, reader = await user(harness, "tenant_admin"), await user(harness, "tenant_admin")
    await listening(harness, eve, "eve", "conversation.updated")
    await listening(harness, reader, "reader", "conversation.updated")
    await listening(harness, harness.admin, "operator", "conversation.updated")
    conversation = await support(harness, reader)
    await conversations.change(
        harness.cast.engine, harness.admin, conversation.id, ConversationChanges(title="New")
    )
    await harness.plan_and_send()
    said = {got.path: SECRET in got.body.decode() for got in harness.receiver.requests}
    assert said == {"/eve": False, "/reader": True, "/operator": True}


async def test_the_delivery_log_shows_no_text_of_support_conversations(
    harness: WebhookHarness,
) -> None:
    reader, eve = await user(harness, "agent"), await user(harness, "agent")
    made = await listening(harness, harness.admin, "operator", "message.created")
    await support(harness, reader)
    await harness.plan_and_send()
    (row,) = await harness.log(made.endpoint)
    shown = []
    for who in (reader, eve):
        actor = msgspec.structs.replace(who, permissions=who.permissions | {READ_WEBHOOKS})
        found = await webhook_deliveries.get(
            harness.cast.engine, actor, made.endpoint.id, row.event_id
        )
        shown.append(SECRET in (found.attempts[0].body or ""))
    assert shown == [True, False]


async def test_the_log_shows_deliveries_to_those_who_may_see_them(harness: WebhookHarness) -> None:
    agent = await user(harness, "agent", READ_WEBHOOKS)
    made = await listening(harness, harness.admin, "operator", "delivery.saved")
    given = DeliveryInput(
        external_reference_id="a place of honour", customer_id=harness.cast.acme.id("cleo")
    )
    await deliveries.save(harness.cast.engine, harness.admin, [given])
    await harness.plan_and_send()
    (row,) = await harness.log(made.endpoint)
    shown = []
    for actor in (harness.cast.acme.actor("ada"), agent):
        found = await webhook_deliveries.get(
            harness.cast.engine, actor, made.endpoint.id, row.event_id
        )
        shown.append("a place of honour" in (found.attempts[0].body or ""))
    assert shown == [True, False]


async def test_counts_exclude_private_notes_for_owners_who_may_not_read_them(
    harness: WebhookHarness,
) -> None:
    driver = await user(harness, "driver", *sorted(PERMISSIONS))
    await listening(harness, driver, "driver", "message.created")
    await listening(harness, harness.admin, "operator", "message.created")
    conversation = await harness.create_conversation()
    await harness.send_message(conversation, "for all")
    await harness.send_message(conversation, "a note", private=True)
    await harness.plan_and_send()
    last = {
        got.path: msgspec.json.decode(got.body)["data"]["conversation"]["last_seq"]
        for got in harness.receiver.requests
    }
    assert last == {"/driver": 1, "/operator": 2}


async def test_a_former_driver_receives_no_people_of_the_delivery(
    harness: WebhookHarness,
) -> None:
    driver = await user(harness, "driver", WRITE_WEBHOOKS)
    cleo = harness.cast.acme.id("cleo")
    given = DeliveryInput(customer_id=cleo, driver_id=driver.identity_id)
    (saved,) = await deliveries.save(harness.cast.engine, harness.admin, [given])
    await listening(harness, driver, "driver")
    other = DeliveryInput(id=saved.delivery.id, driver_id=harness.cast.acme.id("dan"))
    await deliveries.save(harness.cast.engine, harness.admin, [other])
    await harness.plan_and_send()
    (got,) = harness.receiver.requests
    body = msgspec.json.decode(got.body)
    assert (body["type"], body["data"]) == (
        "delivery.removed", {"delivery_id": saved.delivery.id},
    )  # fmt: skip


@pytest.mark.parametrize("role", ["tenant_admin", None])
async def test_no_payload_has_the_credentials_of_an_inbox(
    harness: WebhookHarness, role: str | None
) -> None:
    owner = await user(harness, role, *sorted(PERMISSIONS))
    await listening(harness, owner, "owner")
    made = await inboxes.create(harness.cast.engine, harness.admin, inboxes.NewInbox(name="Shop"))
    await harness.plan_and_send()
    (got,) = harness.receiver.requests
    body = got.body.decode()
    assert made.identifier not in body and harness.cast.hmac_token(made) not in body
