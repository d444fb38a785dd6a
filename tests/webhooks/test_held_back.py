"""Webhooks of a suspended tenant wait, however long, and are sent when it is resumed."""

import pytest

from koine.engine import tenant_suspension
from koine.engine.maintenance import maintenance
from koine.webhooks import payloads
from tests.support.webhook_receiver import response
from tests.webhooks.harness import WebhookHarness

LONG = 60 * 24 * 3600
"""Seconds: longer than events and deliveries are kept."""


async def test_they_wait_longer_than_events_are_kept_and_none_is_lost(
    harness: WebhookHarness,
) -> None:
    engine = harness.cast.engine
    made, conversation = await harness.create_endpoint(), await harness.create_conversation()
    await harness.send_message(conversation, "planned before")
    await harness.plan()
    await tenant_suspension.suspend(engine, harness.admin)
    await harness.send_message(conversation, "written while suspended")
    await harness.plan_and_send()
    harness.cast.clock.advance(LONG)
    await maintenance.run_once(engine)
    await harness.service.delete_old()
    await harness.plan_and_send()
    assert harness.receiver.requests == []
    assert [row.state for row in await harness.log(made.endpoint)] == ["pending", "pending"]
    await tenant_suspension.resume(engine, harness.admin)
    await harness.plan_and_send()
    assert len(harness.receiver.requests) == 2
    assert [row.state for row in await harness.log(made.endpoint)] == ["delivered", "delivered"]


async def test_what_is_claimed_already_is_given_back(
    harness: WebhookHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "RECHECK_AFTER", -1)
    made, conversation = await harness.create_endpoint(), await harness.create_conversation()
    await harness.send_message(conversation)
    await harness.plan()
    recheck = payloads.PayloadBuilder.recheck

    async def late(
        builder: payloads.PayloadBuilder, delivery: payloads.OutgoingDelivery
    ) -> payloads.Recheck:
        await tenant_suspension.suspend(harness.cast.engine, harness.admin)
        return await recheck(builder, delivery)

    with monkeypatch.context() as patched:
        patched.setattr(payloads.PayloadBuilder, "recheck", late)
        await harness.send_due()
    assert harness.receiver.requests == []
    (row,) = await harness.log(made.endpoint)
    assert (row.state, row.attempt) == ("pending", 0)
    await tenant_suspension.resume(harness.cast.engine, harness.admin)
    await harness.send_due()
    assert len(harness.receiver.requests) == 1


async def test_the_time_of_a_suspension_is_no_time_of_failures(harness: WebhookHarness) -> None:
    made, conversation = await harness.create_endpoint(), await harness.create_conversation()
    harness.receiver.respond = lambda _: response(500)
    await harness.send_message(conversation)
    await harness.plan_and_send()
    await tenant_suspension.suspend(harness.cast.engine, harness.admin)
    assert (await harness.endpoints())[0].failing_since is not None
    harness.cast.clock.advance(LONG)
    await tenant_suspension.resume(harness.cast.engine, harness.admin)
    assert (await harness.endpoints())[0].failing_since is None
    await harness.plan_and_send()
    (endpoint,) = await harness.endpoints()
    assert (endpoint.id, endpoint.status) == (made.endpoint.id, "active")
