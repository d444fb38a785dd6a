"""From the log to the receiver: once each, again when it fails, and no further than that."""

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
from koine.webhooks import WebhookWorker
from koine.webhooks.dispatcher import LEASE
from koine.webhooks.retry_policy import DEFAULT_DELAYS
from tests.support.webhook_receiver import OK, answer
from tests.webhooks.harness import WebhookHarness


async def test_a_message_is_told_once_and_the_log_says_so(told: WebhookHarness) -> None:
    made = await told.hook()
    talk = await told.talk()
    message = await told.say(talk, "hello")
    await told.tell()
    await told.tell()
    (got,) = told.receiver.got
    (row,) = await told.log(made.endpoint)
    body = msgspec.json.decode(got.body)
    assert (row.state, row.response_status, row.event_id) == ("delivered", 200, got.id)
    assert body["type"] == "message.created"
    assert body["data"]["message"]["id"] == message.id


async def test_only_what_is_asked_for_and_what_came_after_is_told(told: WebhookHarness) -> None:
    talk = await told.talk()
    await told.say(talk, "before")
    await told.hook(kinds=("conversation.updated",))
    await told.say(talk, "after")
    change = conversations.ConversationChanges(title="New")
    await conversations.change(told.cast.engine, told.boss, talk.id, change)
    await told.tell()
    assert [msgspec.json.decode(g.body)["type"] for g in told.receiver.got] == [
        "conversation.updated"
    ]


async def test_an_endpoint_of_another_tenant_hears_nothing(told: WebhookHarness) -> None:
    await told.hook()
    rival = told.cast.rival.actor("ada")
    new = endpoints.NewEndpoint(dialect="native", url=f"{told.receiver.url}/rival")
    await endpoints.create(told.cast.engine, rival, new)
    await told.say(await told.talk())
    await told.tell()
    assert {g.path for g in told.receiver.got} == {"/hook"}


async def test_an_endpoint_of_an_inbox_hears_that_inbox_alone(told: WebhookHarness) -> None:
    other = await told.hook(inbox_id=told.cast.acme.inbox.id)
    free = await conversations.create(told.cast.engine, told.boss, NewConversation(title="free"))
    talk = await told.talk()
    await told.say(free)
    await told.say(talk)
    await told.tell()
    assert [row.conversation_id for row in await told.log(other.endpoint)] == [talk.id]


async def test_a_failure_is_tried_again_when_the_schedule_says(told: WebhookHarness) -> None:
    made = await told.hook()
    await told.say(await told.talk())
    told.receiver.answers = lambda _: answer(500, body="no")
    await told.tell()
    assert [row.state for row in await told.log(made.endpoint)] == ["pending"]
    told.cast.clock.advance(3)
    await told.send()
    assert len(told.receiver.got) == 1
    told.receiver.answers = lambda _: OK
    told.cast.clock.advance(3)
    await told.send()
    assert [row.state for row in await told.log(made.endpoint)] == ["delivered"]
    assert len({got.id for got in told.receiver.got}) == 1


async def test_after_the_whole_schedule_it_has_failed(told: WebhookHarness) -> None:
    made = await told.hook()
    await told.say(await told.talk())
    told.receiver.answers = lambda _: answer(500)
    await told.tell()
    for wait in DEFAULT_DELAYS:
        told.cast.clock.advance(wait * 1.1 + 1)
        await told.send()
    (row,) = await told.log(made.endpoint)
    assert (row.state, row.attempt, len(told.receiver.got)) == ("failed", 10, 10)


@pytest.mark.parametrize(("status", "wait"), [(429, 3600), (503, 3600), (500, 5)])
async def test_a_receiver_may_ask_for_time(told: WebhookHarness, status: int, wait: int) -> None:
    made = await told.hook()
    await told.say(await told.talk())
    told.receiver.answers = lambda _: answer(status, "Retry-After: 3600")
    await told.tell()
    (row,) = await told.log(made.endpoint)
    assert abs(row.due_at - told.cast.clock.now() - wait * SECOND) <= SECOND


async def test_gone_disables_the_endpoint_and_says_why(told: WebhookHarness) -> None:
    made = await told.hook()
    await told.say(await told.talk())
    told.receiver.answers = lambda _: answer(410)
    await told.tell()
    found = await endpoints.get(told.cast.engine, told.boss, made.endpoint.id)
    assert (found.status, [row.state for row in await told.log(made.endpoint)]) == (
        "disabled", ["failed"],
    )  # fmt: skip
    assert found.reason is not None and "410" in found.reason


async def test_a_redirect_is_a_failure_and_not_followed(told: WebhookHarness) -> None:
    made = await told.hook()
    await told.say(await told.talk())
    told.receiver.answers = lambda _: answer(302, f"Location: {told.receiver.url}/elsewhere")
    await told.tell()
    (row,) = await told.log(made.endpoint)
    assert (row.state, row.response_status) == ("pending", 302)
    assert {got.path for got in told.receiver.got} == {"/hook"}


async def test_days_of_nothing_but_failures_disable_the_endpoint(told: WebhookHarness) -> None:
    made = await told.hook()
    talk = await told.talk()
    told.receiver.answers = lambda _: answer(500)
    for _ in range(8):
        await told.say(talk)
        await told.tell()
        told.cast.clock.advance(DAY // SECOND)
    found = await endpoints.get(told.cast.engine, told.boss, made.endpoint.id)
    assert found.status == "disabled"
    assert "nothing but failures" in (found.reason or "")


async def test_an_open_breaker_tries_one_and_the_others_wait_untried(told: WebhookHarness) -> None:
    made = await told.hook()
    talk = await told.talk()
    told.receiver.answers = lambda _: answer(500)
    for _ in range(30):
        await told.say(talk)
    await told.tell()
    before = told.receiver.count
    assert before < 20
    told.cast.clock.advance(6)
    await told.send()
    assert told.receiver.count == before + 1
    told.receiver.answers = lambda _: OK
    told.cast.clock.advance(600)
    await told.send()
    assert {row.state for row in await told.log(made.endpoint)} == {"delivered"}


async def test_what_a_deleted_conversation_said_is_not_sent_and_not_kept(
    told: WebhookHarness,
) -> None:
    made = await told.hook(kinds=())
    talk = await told.talk()
    await told.say(talk, "a secret")
    await told.tell()
    await told.say(talk, "another secret")
    await told.derive()
    await conversations.delete(told.cast.engine, told.boss, talk.id, None)
    await told.tell()
    told_after = [msgspec.json.decode(g.body)["type"] for g in told.receiver.got]
    rows = [row for row in await told.log(made.endpoint) if row.conversation_id == talk.id]
    assert told_after[-1] == "conversation.deleted"
    assert rows[-1].state == "cancelled"
    for row in rows:
        shown = await deliveries.one(told.cast.engine, told.boss, made.endpoint.id, row.event_id)
        assert all(attempt.body is None for attempt in shown.attempts)


async def test_a_sender_that_was_away_too_long_changes_nothing(told: WebhookHarness) -> None:
    made = await told.hook()
    await told.say(await told.talk())
    await told.derive()
    slow, quick = told.hooks.dispatcher, WebhookWorker(told.cast.engine).dispatcher
    told.receiver.hold = hold = asyncio.Event()
    await slow.dispatch_once()
    while not told.receiver.count:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    told.receiver.hold = None
    told.cast.clock.advance(LEASE / SECOND + 1)
    assert await quick.dispatch_once() == 1
    await quick.idle()
    told.receiver.answers = lambda _: answer(500)
    hold.set()
    await slow.idle()
    (row,) = await told.log(made.endpoint)
    assert (row.state, row.response_status, told.receiver.count) == ("delivered", 200, 2)


async def test_one_or_a_time_is_replayed_under_the_same_ids(told: WebhookHarness) -> None:
    made = await told.hook()
    talk = await told.talk()
    for _ in range(3):
        await told.say(talk)
    await told.tell()
    ids = [got.id for got in told.receiver.got]
    engine, now = told.cast.engine, told.cast.clock.now()
    await deliveries.replay(engine, told.boss, made.endpoint.id, ids[0])
    await told.send()
    assert told.receiver.got[-1].id == ids[0]
    wanted = Range(now - DAY, now + SECOND)
    assert await deliveries.replay_range(engine, told.boss, made.endpoint.id, wanted) == 3
    await told.send()
    assert sorted(got.id for got in told.receiver.got[-3:]) == sorted(ids)


async def test_a_disabled_endpoint_is_told_nothing_until_it_is_switched_on(
    told: WebhookHarness,
) -> None:
    made = await told.hook()
    engine, talk = told.cast.engine, await told.talk()
    await endpoint_changes.change(
        engine, told.boss, made.endpoint.id, EndpointChanges(active=False)
    )
    await told.say(talk)
    await told.tell()
    with pytest.raises(Conflict):
        await deliveries.replay_range(engine, told.boss, made.endpoint.id, Range(0, 2**60))
    await endpoint_changes.change(engine, told.boss, made.endpoint.id, EndpointChanges(active=True))
    await told.tell()
    assert told.receiver.got == []
    assert await deliveries.replay_range(engine, told.boss, made.endpoint.id, Range(0, 2**60)) == 1
    await told.say(talk)
    await told.tell()
    assert len(told.receiver.got) == 2


async def test_private_notes_are_for_endpoints_of_those_who_read_them(told: WebhookHarness) -> None:
    mine = await told.hook()
    await told.say(await told.talk(), "a note", private=True)
    await told.tell()
    assert [row.state for row in await told.log(mine.endpoint)] == ["delivered"]


async def test_an_endpoint_hears_no_more_than_its_maker_may_read(told: WebhookHarness) -> None:
    acme = told.cast.acme
    maker = msgspec.structs.replace(
        acme.actor("alice"), kind="key", permissions=frozenset({"write:webhooks"})
    )
    new = endpoints.NewEndpoint(dialect="native", url=f"{told.receiver.url}/deaf")
    await endpoints.create(told.cast.engine, maker, new)
    await told.say(await told.talk())
    await told.tell()
    assert told.receiver.got == []


async def test_an_address_that_is_ours_is_refused_when_it_is_given(told: WebhookHarness) -> None:
    with pytest.raises(Invalid, match=r"link-local"):
        await told.hook(url="https://169.254.169.254/latest")


async def test_old_deliveries_are_forgotten(told: WebhookHarness) -> None:
    made = await told.hook()
    await told.say(await told.talk())
    await told.tell()
    told.cast.clock.advance(29 * DAY / SECOND)
    await told.hooks.delete_old()
    assert len(await told.log(made.endpoint)) == 1
    told.cast.clock.advance(2 * DAY / SECOND)
    await told.hooks.delete_old()
    assert await told.log(made.endpoint) == []
    assert await told.cast.engine.db.read("", delivery_log.pending_count) == (0, None)


async def test_what_was_on_its_way_when_its_conversation_was_deleted_is_not_kept(
    told: WebhookHarness,
) -> None:
    made = await told.hook()
    talk = await told.talk()
    await told.say(talk, "a secret")
    async with told.under_way():
        await conversations.delete(told.cast.engine, told.boss, talk.id, None)
    (row,) = await told.log(made.endpoint)
    shown = await deliveries.one(told.cast.engine, told.boss, made.endpoint.id, row.event_id)
    assert (row.state, shown.attempts) == ("cancelled", [])


async def test_what_was_on_its_way_to_an_endpoint_that_was_removed_leaves_nothing(
    told: WebhookHarness,
) -> None:
    made = await told.hook()
    await told.say(await told.talk(), "a secret")
    async with told.under_way():
        await endpoints.remove(told.cast.engine, told.boss, made.endpoint.id)
    engine, tenant = told.cast.engine, told.boss.tenant_id
    gone = WebhookDelivery(
        made.endpoint.id, 0, "", "", None, "failed", 0, 0, 1, None, None, 0, 0, None
    )
    for position in range(1, 1 + (await engine.db.read("", events.log_snapshot)).last):
        asked = msgspec.structs.replace(gone, position=position)
        assert await engine.db.read(tenant, delivery_log.attempts, asked, 1) == []


async def test_a_replay_hurries_what_would_wait_for_hours(told: WebhookHarness) -> None:
    made = await told.hook()
    await told.say(await told.talk())
    told.receiver.answers = lambda _: answer(503, "Retry-After: 36000")
    await told.tell()
    told.receiver.answers = lambda _: OK
    engine, now = told.cast.engine, told.cast.clock.now()
    wanted = Range(now - DAY, now + SECOND)
    assert await deliveries.replay_range(engine, told.boss, made.endpoint.id, wanted) == 1
    await told.send()
    assert [row.state for row in await told.log(made.endpoint)] == ["delivered"]


async def test_a_replay_leaves_a_post_that_is_under_way_alone(told: WebhookHarness) -> None:
    made = await told.hook()
    await told.say(await told.talk())
    now = told.cast.clock.now()
    async with told.under_way():
        wanted = Range(now - DAY, now + SECOND)
        await deliveries.replay_range(told.cast.engine, told.boss, made.endpoint.id, wanted)
        assert await WebhookWorker(told.cast.engine).dispatcher.dispatch_once() == 0
    assert ([row.state for row in await told.log(made.endpoint)], told.receiver.count) == (
        ["delivered"], 1,
    )  # fmt: skip


async def test_no_endpoint_is_a_way_to_read_support_conversations(told: WebhookHarness) -> None:
    engine, acme, ears = told.cast.engine, told.cast.acme, {}
    for name in ("alice", "dora"):
        actor = acme.actor(name)
        held = actor.permissions | {"write:webhooks", "read:conversations"}
        maker = msgspec.structs.replace(actor, permissions=held)
        new = endpoints.NewEndpoint(
            dialect="native", url=f"{told.receiver.url}/{name}", kinds=("message.created",)
        )
        ears[name] = (await endpoints.create(engine, maker, new)).endpoint
    named = tenants.TenantChanges(support_user_ids=[acme.id("dora")])
    await tenants.change(engine, acme.actor("ada"), named)
    new_talk = NewConversation(kind="support", owner_id=acme.id("carol"))
    await told.say(await conversations.create(engine, told.boss, new_talk), "help")
    await told.tell()
    assert [got.path for got in told.receiver.got] == ["/dora"]


async def test_only_endpoints_with_something_old_are_gone_through(told: WebhookHarness) -> None:
    old = await told.hook()
    await told.say(await told.talk())
    await told.tell()
    told.cast.clock.advance(60)
    since = told.cast.clock.now()
    await told.hook()
    await told.say(await told.talk())
    await told.tell()
    db = told.cast.engine.db
    assert await db.read("", delivery_log.endpoints_with_deliveries_before, since) == [
        EndpointKey(told.boss.tenant_id, old.endpoint.id)
    ]
    assert not await db.write(
        told.boss.tenant_id, delivery_log.forget_before, old.endpoint.id, since, 1000
    )
    assert [
        len(await told.log(old.endpoint)),
        await db.read("", delivery_log.endpoints_with_deliveries_before, since),
    ] == [1, []]
