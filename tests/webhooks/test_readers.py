"""Bodies show what the endpoint's owner may read, as `GET` shows it to them, and nothing else."""

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


async def user(told: WebhookHarness, role: str | None, *more: str) -> Actor:
    """Somebody of that role with more permissions than it has."""
    given = msgspec.json.encode(more).decode()
    new = NewIdentity(kind="user", name="Eve", role=role, permissions=given)
    eve = await directory.create(told.cast.engine, told.boss, new)
    return Actor(
        told.boss.tenant_id, "user", eve.id, role, access.effective_permissions(role, given)
    )


async def listening(told: WebhookHarness, owner: Actor, path: str, *kinds: str) -> CreatedEndpoint:
    new = NewEndpoint(dialect="native", url=f"{told.receiver.url}/{path}", kinds=kinds)
    return await endpoints.create(told.cast.engine, owner, new)


async def support(told: WebhookHarness, *readers: Actor) -> Conversation:
    """A support conversation where something was said."""
    named = tenants.TenantChanges(support_user_ids=[each.identity_id or "" for each in readers])
    await tenants.change(told.cast.engine, told.boss, named)
    new = NewConversation(kind="support", owner_id=told.cast.acme.id("carol"))
    talk = await conversations.create(told.cast.engine, told.boss, new)
    await told.say(talk, SECRET)
    return talk


async def test_no_body_previews_a_support_conversation_to_who_may_not_read_it(
    told: WebhookHarness,
) -> None:
    eve, reader = await user(told, "tenant_admin"), await user(told, "tenant_admin")
    await listening(told, eve, "eve", "conversation.updated")
    await listening(told, reader, "reader", "conversation.updated")
    await listening(told, told.boss, "operator", "conversation.updated")
    talk = await support(told, reader)
    await conversations.change(
        told.cast.engine, told.boss, talk.id, ConversationChanges(title="New")
    )
    await told.tell()
    said = {got.path: SECRET in got.body.decode() for got in told.receiver.got}
    assert said == {"/eve": False, "/reader": True, "/operator": True}


async def test_the_log_shows_no_words_of_support_conversations_either(told: WebhookHarness) -> None:
    reader, eve = await user(told, "agent"), await user(told, "agent")
    made = await listening(told, told.boss, "operator", "message.created")
    await support(told, reader)
    await told.tell()
    (row,) = await told.log(made.endpoint)
    shown = []
    for who in (reader, eve):
        actor = msgspec.structs.replace(who, permissions=who.permissions | {READ_WEBHOOKS})
        found = await webhook_deliveries.one(
            told.cast.engine, actor, made.endpoint.id, row.event_id
        )
        shown.append(SECRET in (found.attempts[0].body or ""))
    assert shown == [True, False]


async def test_the_log_shows_deliveries_to_those_who_may_see_them(told: WebhookHarness) -> None:
    agent = await user(told, "agent", READ_WEBHOOKS)
    made = await listening(told, told.boss, "operator", "delivery.saved")
    given = DeliveryInput(
        external_reference_id="a place of honour", customer_id=told.cast.acme.id("cleo")
    )
    await deliveries.save(told.cast.engine, told.boss, [given])
    await told.tell()
    (row,) = await told.log(made.endpoint)
    shown = []
    for actor in (told.cast.acme.actor("ada"), agent):
        found = await webhook_deliveries.one(
            told.cast.engine, actor, made.endpoint.id, row.event_id
        )
        shown.append("a place of honour" in (found.attempts[0].body or ""))
    assert shown == [True, False]


async def test_numbers_do_not_count_notes_for_who_reads_none(told: WebhookHarness) -> None:
    driver = await user(told, "driver", *sorted(PERMISSIONS))
    await listening(told, driver, "driver", "message.created")
    await listening(told, told.boss, "operator", "message.created")
    talk = await told.talk()
    await told.say(talk, "for all")
    await told.say(talk, "a note", private=True)
    await told.tell()
    last = {
        got.path: msgspec.json.decode(got.body)["data"]["conversation"]["last_seq"]
        for got in told.receiver.got
    }
    assert last == {"/driver": 1, "/operator": 2}


async def test_one_who_drives_it_no_more_is_not_told_whose_delivery_it_is(
    told: WebhookHarness,
) -> None:
    driver = await user(told, "driver", WRITE_WEBHOOKS)
    cleo = told.cast.acme.id("cleo")
    given = DeliveryInput(customer_id=cleo, driver_id=driver.identity_id)
    (saved,) = await deliveries.save(told.cast.engine, told.boss, [given])
    await listening(told, driver, "driver")
    other = DeliveryInput(id=saved.delivery.id, driver_id=told.cast.acme.id("dan"))
    await deliveries.save(told.cast.engine, told.boss, [other])
    await told.tell()
    (got,) = told.receiver.got
    body = msgspec.json.decode(got.body)
    assert (body["type"], body["data"]) == (
        "delivery.removed", {"delivery_id": saved.delivery.id},
    )  # fmt: skip


@pytest.mark.parametrize("role", ["tenant_admin", None])
async def test_no_body_holds_what_opens_an_inbox(told: WebhookHarness, role: str | None) -> None:
    owner = await user(told, role, *sorted(PERMISSIONS))
    await listening(told, owner, "owner")
    made = await inboxes.create(told.cast.engine, told.boss, inboxes.NewInbox(name="Shop"))
    await told.tell()
    (got,) = told.receiver.got
    assert made.identifier not in got.body.decode() and made.hmac_token not in got.body.decode()
