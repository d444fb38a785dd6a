"""Deliveries from the event log to the receiver: each once, and again when an attempt fails."""

import asyncio

import msgspec
import pytest

from koine.engine import tenants
from koine.engine.conversations import conversations
from koine.engine.webhooks import deliveries, endpoint_changes, endpoints
from koine.engine.webhooks.deliveries import Range
from koine.engine.webhooks.endpoint_changes import EndpointChanges
from koine.kit.times import DAY, SECOND
from koine.model.conversation import NewConversation
from koine.model.errors import Conflict, Invalid
from koine.model.webhook import EndpointKey, WebhookDelivery
from koine.store.events import events
from koine.store.webhooks import delivery_log
from koine.webhooks import WebhookService
from koine.webhooks.dispatcher import LEASE
from koine.webhooks.retry_policy import DEFAULT_DELAYS
from tests.support.webhook_receiver import OK, response
from tests.webhooks.harness import WebhookHarness


async def test_a_message_is_sent_once_and_logged(harness: WebhookHarness) -> None:
    made = await harness.create_endpoint()
    conversation = await harness.create_conversation()
    message = await harness.send_message(conversation, "hello")
    await harness.plan_and_send()
    await harness.plan_and_send()
    (got,) = harness.receiver.requests
    (row,) = await harness.log(made.endpoint)
    body = msgspec.json.decode(got.body)
    assert (row.state, row.response_status, row.event_id) == ("delivered", 200, got.id)
    assert body["type"] == "message.created"
    assert body["data"]["message"]["id"] == message.id


async def test_only_subscribed_events_after_the_creation_are_sent(harness: WebhookHarness) -> None:
    conversation = await harness.create_conversation()
    await harness.send_message(conversation, "before")
    await harness.create_endpoint(kinds=("conversation.updated",))
    await harness.send_message(conversation, "after")
    change = conversations.ConversationChanges(title="New")
    await conversations.change(harness.cast.engine, harness.admin, conversation.id, change)
    await harness.plan_and_send()
    assert [msgspec.json.decode(g.body)["type"] for g in harness.receiver.requests] == [
        "conversation.updated"
    ]


async def test_an_endpoint_of_another_tenant_receives_nothing(harness: WebhookHarness) -> None:
    await harness.create_endpoint()
    rival = harness.cast.rival.actor("ada")
    new = endpoints.NewEndpoint(dialect="native", url=f"{harness.receiver.url}/rival")
    await endpoints.create(harness.cast.engine, rival, new)
    await harness.send_message(await harness.create_conversation())
    await harness.plan_and_send()
    assert {g.path for g in harness.receiver.requests} == {"/hook"}


async def test_an_endpoint_of_an_inbox_receives_that_inbox_alone(harness: WebhookHarness) -> None:
    other = await harness.create_endpoint(inbox_id=harness.cast.acme.inbox.id)
    free = await conversations.create(
        harness.cast.engine, harness.admin, NewConversation(title="free")
    )
    conversation = await harness.create_conversation()
    await harness.send_message(free)
    await harness.send_message(conversation)
    await harness.plan_and_send()
    assert [row.conversation_id for row in await harness.log(other.endpoint)] == [conversation.id]


async def test_a_failure_is_tried_again_when_the_schedule_says(harness: WebhookHarness) -> None:
    made = await harness.create_endpoint()
    await harness.send_message(await harness.create_conversation())
    harness.receiver.respond = lambda _: response(500, body="no")
    await harness.plan_and_send()
    assert [row.state for row in await harness.log(made.endpoint)] == ["pending"]
    harness.cast.clock.advance(3)
    await harness.send_due()
    assert len(harness.receiver.requests) == 1
    harness.receiver.respond = lambda _: OK
    harness.cast.clock.advance(3)
    await harness.send_due()
    assert [row.state for row in await harness.log(made.endpoint)] == ["delivered"]
    assert len({got.id for got in harness.receiver.requests}) == 1


async def test_after_the_whole_schedule_it_has_failed(harness: WebhookHarness) -> None:
    made = await harness.create_endpoint()
    await harness.send_message(await harness.create_conversation())
    harness.receiver.respond = lambda _: response(500)
    await harness.plan_and_send()
    for wait in DEFAULT_DELAYS:
        harness.cast.clock.advance(wait * 1.1 + 1)
        await harness.send_due()
    (row,) = await harness.log(made.endpoint)
    assert (row.state, row.attempt, len(harness.receiver.requests)) == ("failed", 10, 10)


@pytest.mark.parametrize(("status", "wait"), [(429, 3600), (503, 3600), (500, 5)])
async def test_retry_after_delays_the_next_attempt(
    harness: WebhookHarness, status: int, wait: int
) -> None:
    made = await harness.create_endpoint()
    await harness.send_message(await harness.create_conversation())
    harness.receiver.respond = lambda _: response(status, "Retry-After: 3600")
    await harness.plan_and_send()
    (row,) = await harness.log(made.endpoint)
    assert abs(row.due_at - harness.cast.clock.now() - wait * SECOND) <= SECOND


async def test_a_410_disables_the_endpoint_with_a_reason(harness: WebhookHarness) -> None:
    made = await harness.create_endpoint()
    await harness.send_message(await harness.create_conversation())
    harness.receiver.respond = lambda _: response(410)
    await harness.plan_and_send()
    found = await endpoints.get(harness.cast.engine, harness.admin, made.endpoint.id)
    assert (found.status, [row.state for row in await harness.log(made.endpoint)]) == (
        "disabled", ["failed"],
    )  # fmt: skip
    assert found.reason is not None and "410" in found.reason


async def test_a_410_of_the_old_url_does_not_disable_an_endpoint_that_was_changed_meanwhile(
    harness: WebhookHarness,
) -> None:
    made, engine = await harness.create_endpoint(), harness.cast.engine
    await harness.send_message(await harness.create_conversation())
    harness.receiver.respond = lambda _: response(410)
    async with harness.request_in_flight():
        new = EndpointChanges(url=f"{harness.receiver.url}/new")
        await endpoint_changes.change(engine, harness.admin, made.endpoint.id, new)
    found = await endpoints.get(engine, harness.admin, made.endpoint.id)
    assert (found.status, found.reason) == ("active", None)


async def test_a_redirect_is_a_failure_and_not_followed(harness: WebhookHarness) -> None:
    made = await harness.create_endpoint()
    await harness.send_message(await harness.create_conversation())
    harness.receiver.respond = lambda _: response(
        302, f"Location: {harness.receiver.url}/elsewhere"
    )
    await harness.plan_and_send()
    (row,) = await harness.log(made.endpoint)
    assert (row.state, row.response_status) == ("pending", 302)
    assert {got.path for got in harness.receiver.requests} == {"/hook"}


async def test_days_of_failures_disable_the_endpoint(harness: WebhookHarness) -> None:
    made = await harness.create_endpoint()
    conversation = await harness.create_conversation()
    harness.receiver.respond = lambda _: response(500)
    for _ in range(8):
        await harness.send_message(conversation)
        await harness.plan_and_send()
        harness.cast.clock.advance(DAY // SECOND)
    found = await endpoints.get(harness.cast.engine, harness.admin, made.endpoint.id)
    assert found.status == "disabled"
    assert "nothing but failures" in (found.reason or "")


async def test_an_open_breaker_tries_one_delivery_and_the_others_wait(
    harness: WebhookHarness,
) -> None:
    made = await harness.create_endpoint()
    conversation = await harness.create_conversation()
    harness.receiver.respond = lambda _: response(500)
    for _ in range(30):
        await harness.send_message(conversation)
    await harness.plan_and_send()
    before = harness.receiver.count
    assert before < 20
    harness.cast.clock.advance(6)
    await harness.send_due()
    assert harness.receiver.count == before + 1
    harness.receiver.respond = lambda _: OK
    harness.cast.clock.advance(600)
    await harness.send_due()
    assert {row.state for row in await harness.log(made.endpoint)} == {"delivered"}


async def test_payloads_of_a_deleted_conversation_are_neither_sent_nor_stored(
    harness: WebhookHarness,
) -> None:
    made = await harness.create_endpoint(kinds=())
    conversation = await harness.create_conversation()
    await harness.send_message(conversation, "a secret")
    await harness.plan_and_send()
    await harness.send_message(conversation, "another secret")
    await harness.plan()
    await conversations.delete(harness.cast.engine, harness.admin, conversation.id, None)
    await harness.plan_and_send()
    types = [msgspec.json.decode(each.body)["type"] for each in harness.receiver.requests]
    rows = [
        row for row in await harness.log(made.endpoint) if row.conversation_id == conversation.id
    ]
    assert types[-1] == "conversation.deleted"
    assert rows[-1].state == "cancelled"
    for row in rows:
        shown = await deliveries.get(
            harness.cast.engine, harness.admin, made.endpoint.id, row.event_id
        )
        assert all(attempt.body is None for attempt in shown.attempts)


async def test_an_attempt_that_outlasts_its_lease_changes_nothing(harness: WebhookHarness) -> None:
    made = await harness.create_endpoint()
    await harness.send_message(await harness.create_conversation())
    await harness.plan()
    slow, quick = harness.service.dispatcher, WebhookService(harness.cast.engine).dispatcher
    harness.receiver.hold = hold = asyncio.Event()
    await slow.dispatch_once()
    while not harness.receiver.count:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    harness.receiver.hold = None
    harness.cast.clock.advance(LEASE / SECOND + 1)
    assert await quick.dispatch_once() == 1
    await quick.idle()
    harness.receiver.respond = lambda _: response(500)
    hold.set()
    await slow.idle()
    (row,) = await harness.log(made.endpoint)
    assert (row.state, row.response_status, harness.receiver.count) == ("delivered", 200, 2)


async def test_a_delivery_or_a_range_is_replayed_under_the_same_ids(
    harness: WebhookHarness,
) -> None:
    made = await harness.create_endpoint()
    conversation = await harness.create_conversation()
    for _ in range(3):
        await harness.send_message(conversation)
    await harness.plan_and_send()
    ids = [got.id for got in harness.receiver.requests]
    engine, now = harness.cast.engine, harness.cast.clock.now()
    await deliveries.replay(engine, harness.admin, made.endpoint.id, ids[0])
    await harness.send_due()
    assert harness.receiver.requests[-1].id == ids[0]
    wanted = Range(now - DAY, now + SECOND)
    assert await deliveries.replay_range(engine, harness.admin, made.endpoint.id, wanted) == 3
    await harness.send_due()
    assert sorted(got.id for got in harness.receiver.requests[-3:]) == sorted(ids)


async def test_a_disabled_endpoint_receives_nothing_until_it_is_enabled(
    harness: WebhookHarness,
) -> None:
    made = await harness.create_endpoint()
    engine, conversation = harness.cast.engine, await harness.create_conversation()
    await endpoint_changes.change(
        engine, harness.admin, made.endpoint.id, EndpointChanges(active=False)
    )
    await harness.send_message(conversation)
    await harness.plan_and_send()
    with pytest.raises(Conflict):
        await deliveries.replay_range(engine, harness.admin, made.endpoint.id, Range(0, 2**60))
    await endpoint_changes.change(
        engine, harness.admin, made.endpoint.id, EndpointChanges(active=True)
    )
    await harness.plan_and_send()
    assert harness.receiver.requests == []
    assert (
        await deliveries.replay_range(engine, harness.admin, made.endpoint.id, Range(0, 2**60)) == 1
    )
    await harness.send_message(conversation)
    await harness.plan_and_send()
    assert len(harness.receiver.requests) == 2


async def test_private_notes_are_for_endpoints_of_those_who_read_them(
    harness: WebhookHarness,
) -> None:
    mine = await harness.create_endpoint()
    await harness.send_message(await harness.create_conversation(), "a note", private=True)
    await harness.plan_and_send()
    assert [row.state for row in await harness.log(mine.endpoint)] == ["delivered"]


async def test_an_endpoint_receives_no_more_than_its_creator_may_read(
    harness: WebhookHarness,
) -> None:
    acme = harness.cast.acme
    maker = msgspec.structs.replace(
        acme.actor("alice"), kind="key", permissions=frozenset({"write:webhooks"})
    )
    new = endpoints.NewEndpoint(dialect="native", url=f"{harness.receiver.url}/deaf")
    await endpoints.create(harness.cast.engine, maker, new)
    await harness.send_message(await harness.create_conversation())
    await harness.plan_and_send()
    assert harness.receiver.requests == []


async def test_a_private_address_is_refused_when_an_endpoint_is_created(
    harness: WebhookHarness,
) -> None:
    with pytest.raises(Invalid, match=r"link-local"):
        await harness.create_endpoint(url="https://169.254.169.254/latest")


async def test_old_deliveries_are_deleted(harness: WebhookHarness) -> None:
    made = await harness.create_endpoint()
    await harness.send_message(await harness.create_conversation())
    await harness.plan_and_send()
    harness.cast.clock.advance(29 * DAY / SECOND)
    await harness.service.delete_old()
    assert len(await harness.log(made.endpoint)) == 1
    harness.cast.clock.advance(2 * DAY / SECOND)
    await harness.service.delete_old()
    assert await harness.log(made.endpoint) == []
    assert await harness.cast.engine.db.read("", delivery_log.pending_count) == (0, None)


async def test_a_delivery_in_flight_of_a_deleted_conversation_is_not_stored(
    harness: WebhookHarness,
) -> None:
    made = await harness.create_endpoint()
    conversation = await harness.create_conversation()
    await harness.send_message(conversation, "a secret")
    async with harness.request_in_flight():
        await conversations.delete(harness.cast.engine, harness.admin, conversation.id, None)
    (row,) = await harness.log(made.endpoint)
    shown = await deliveries.get(harness.cast.engine, harness.admin, made.endpoint.id, row.event_id)
    assert (row.state, shown.attempts) == ("cancelled", [])


async def test_a_delivery_in_flight_to_a_removed_endpoint_is_not_stored(
    harness: WebhookHarness,
) -> None:
    engine, tenant = harness.cast.engine, harness.admin.tenant_id
    made = await harness.create_endpoint()
    before = (await engine.db.read("", events.log_snapshot)).last
    await harness.send_message(await harness.create_conversation(), "a secret")
    async with harness.request_in_flight():
        await endpoints.remove(engine, harness.admin, made.endpoint.id)
    gone = WebhookDelivery(
        made.endpoint.id, 0, "", "", None, "failed", 0, 0, 1, None, None, 0, 0, None
    )
    last = (await engine.db.read("", events.log_snapshot)).last
    assert last > before
    for position in range(before + 1, last + 1):
        asked = msgspec.structs.replace(gone, position=position)
        assert await engine.db.read(tenant, delivery_log.attempts, asked, 1) == []


async def test_a_replay_makes_a_waiting_delivery_due(harness: WebhookHarness) -> None:
    made = await harness.create_endpoint()
    await harness.send_message(await harness.create_conversation())
    harness.receiver.respond = lambda _: response(503, "Retry-After: 36000")
    await harness.plan_and_send()
    harness.receiver.respond = lambda _: OK
    engine, now = harness.cast.engine, harness.cast.clock.now()
    wanted = Range(now - DAY, now + SECOND)
    assert await deliveries.replay_range(engine, harness.admin, made.endpoint.id, wanted) == 1
    await harness.send_due()
    assert [row.state for row in await harness.log(made.endpoint)] == ["delivered"]


async def test_a_replay_does_not_change_a_delivery_in_flight(harness: WebhookHarness) -> None:
    made = await harness.create_endpoint()
    await harness.send_message(await harness.create_conversation())
    now = harness.cast.clock.now()
    async with harness.request_in_flight():
        wanted = Range(now - DAY, now + SECOND)
        await deliveries.replay_range(harness.cast.engine, harness.admin, made.endpoint.id, wanted)
        assert await WebhookService(harness.cast.engine).dispatcher.dispatch_once() == 0
    assert ([row.state for row in await harness.log(made.endpoint)], harness.receiver.count) == (
        ["delivered"], 1,
    )  # fmt: skip


async def test_no_endpoint_receives_support_conversations(harness: WebhookHarness) -> None:
    engine, acme, ears = harness.cast.engine, harness.cast.acme, {}
    for name in ("alice", "dora"):
        actor = acme.actor(name)
        held = actor.permissions | {"write:webhooks", "read:conversations"}
        maker = msgspec.structs.replace(actor, permissions=held)
        new = endpoints.NewEndpoint(
            dialect="native", url=f"{harness.receiver.url}/{name}", kinds=("message.created",)
        )
        ears[name] = (await endpoints.create(engine, maker, new)).endpoint
    named = tenants.TenantChanges(support_user_ids=[acme.id("dora")])
    await tenants.change(engine, acme.actor("ada"), named)
    support = NewConversation(kind="support", owner_id=acme.id("carol"))
    await harness.send_message(await conversations.create(engine, harness.admin, support), "help")
    await harness.plan_and_send()
    assert [got.path for got in harness.receiver.requests] == ["/dora"]


async def test_only_endpoints_with_old_deliveries_are_read(harness: WebhookHarness) -> None:
    old = await harness.create_endpoint()
    await harness.send_message(await harness.create_conversation())
    await harness.plan_and_send()
    harness.cast.clock.advance(60)
    since = harness.cast.clock.now()
    await harness.create_endpoint()
    await harness.send_message(await harness.create_conversation())
    await harness.plan_and_send()
    db = harness.cast.engine.db
    assert await db.read("", delivery_log.endpoints_with_deliveries_before, since) == [
        EndpointKey(harness.admin.tenant_id, old.endpoint.id)
    ]
    assert not await db.write(
        harness.admin.tenant_id, delivery_log.delete_before, old.endpoint.id, since, 1000
    )
    assert [
        len(await harness.log(old.endpoint)),
        await db.read("", delivery_log.endpoints_with_deliveries_before, since),
    ] == [1, []]
