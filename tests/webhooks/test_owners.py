"""An endpoint receives what its owner may read now; without an owner it is paused until it is taken
over."""

import importlib

import pytest

from koine.engine import audit_log, offboarding
from koine.engine.auth import access, api_keys, credentials
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.engine.webhooks import deliveries, endpoint_changes, endpoints
from koine.engine.webhooks.endpoint_changes import EndpointChanges
from koine.engine.webhooks.endpoint_owners import KEY_ENDED, OWNER_HOLDS_LESS, OWNER_LEFT
from koine.engine.webhooks.endpoints import CreatedEndpoint, NewEndpoint
from koine.kit.times import HOUR
from koine.model.actor import Actor, operator
from koine.model.errors import Conflict, Forbidden
from koine.model.identity import NewIdentity
from koine.model.page import Window
from koine.model.permissions import PERMISSIONS, WRITE_WEBHOOKS
from koine.model.webhook import WebhookEndpoint
from koine.store.migrations import versions
from koine.store.webhooks import endpoints as rows
from koine.webhooks import payloads
from tests.webhooks.harness import WebhookHarness

LEAVINGS = {
    "blocked": (PersonChanges(blocked=True), OWNER_LEFT),
    "demoted": (PersonChanges(role="agent"), OWNER_HOLDS_LESS),
    "removed": (None, OWNER_LEFT),
}
LEAVING = pytest.mark.parametrize(("how", "why"), LEAVINGS.values(), ids=LEAVINGS)


async def create_eve(
    harness: WebhookHarness, role: str = "tenant_admin", permissions: str = "[]"
) -> Actor:
    """Eve, a user whose rights end in a test."""
    new = NewIdentity(kind="user", name="Eve", role=role, permissions=permissions)
    eve = await directory.create(harness.cast.engine, harness.admin, new)
    held = access.effective_permissions(role, permissions)
    return Actor(harness.admin.tenant_id, "user", eve.id, role, held)


async def create_endpoint_of(harness: WebhookHarness, owner: Actor) -> CreatedEndpoint:
    new = NewEndpoint(
        dialect="native", url=f"{harness.receiver.url}/hook", kinds=("message.created",)
    )
    return await endpoints.create(harness.cast.engine, owner, new)


async def end_rights(harness: WebhookHarness, who: Actor, how: PersonChanges | None) -> None:
    engine, who_id = harness.cast.engine, who.identity_id or ""
    if how is None:
        await offboarding.remove(engine, harness.admin, who_id, "user")
    else:
        await directory.change(engine, harness.admin, who_id, "user", how)


async def shown(harness: WebhookHarness, made: CreatedEndpoint) -> WebhookEndpoint:
    return await endpoints.get(harness.cast.engine, harness.admin, made.endpoint.id)


@LEAVING
async def test_the_endpoint_of_a_removed_owner_is_paused_and_receives_nothing(
    harness: WebhookHarness, how: PersonChanges | None, why: str
) -> None:
    eve = await create_eve(harness)
    made, conversation = await create_endpoint_of(harness, eve), await harness.create_conversation()
    await harness.send_message(conversation, "before")
    await harness.plan_and_send()
    await end_rights(harness, eve, how)
    found = await shown(harness, made)
    assert (found.status, found.reason) == ("disabled", why)
    await harness.send_message(conversation, "a note", private=True)
    await harness.plan_and_send()
    assert len(harness.receiver.requests) == 1
    with pytest.raises(Conflict):
        await deliveries.replay(
            harness.cast.engine, harness.admin, made.endpoint.id, harness.receiver.requests[0].id
        )


@LEAVING
async def test_it_is_paused_without_an_event_about_its_owner(
    harness: WebhookHarness, how: PersonChanges | None, why: str
) -> None:
    """The owner's row is read for each event; other endpoints receive their events."""
    eve = await create_eve(harness)
    made = await create_endpoint_of(harness, eve)
    await harness.create_endpoint(kinds=("webhook.disabled",))
    await end_rights(harness, eve, how)
    await harness.plan()
    await harness.plan_and_send()
    row = await harness.cast.engine.db.read(harness.admin.tenant_id, rows.get, made.endpoint.id)
    assert row is not None and (row.status, row.reason) == ("disabled", why)
    (got,) = harness.receiver.requests
    assert why.encode() in got.body and made.endpoint.id.encode() in got.body


async def test_pending_deliveries_wait_for_the_new_owner(harness: WebhookHarness) -> None:
    eve = await create_eve(harness)
    made, conversation = await create_endpoint_of(harness, eve), await harness.create_conversation()
    await harness.send_message(conversation, "on its way")
    await harness.plan()
    await end_rights(harness, eve, LEAVINGS["blocked"][0])
    await harness.send_due()
    assert harness.receiver.requests == []
    assert [row.state for row in await harness.log(made.endpoint)] == ["pending"]
    ada = harness.cast.acme.actor("ada")
    on = await endpoint_changes.change(
        harness.cast.engine, ada, made.endpoint.id, EndpointChanges(active=True)
    )
    assert (on.endpoint.status, on.endpoint.acts_as_user_id, on.secret) == (
        "active",
        ada.identity_id,
        None,
    )
    await harness.send_due()
    assert len(harness.receiver.requests) == 1


async def test_the_owner_of_a_delivery_that_waited_is_checked_again(
    harness: WebhookHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "RECHECK_AFTER", -1)
    eve = await create_eve(harness)
    made, conversation = await create_endpoint_of(harness, eve), await harness.create_conversation()
    await harness.send_message(conversation)
    await harness.plan()
    recheck = payloads.PayloadBuilder.recheck

    async def late(
        builder: payloads.PayloadBuilder, delivery: payloads.OutgoingDelivery
    ) -> payloads.Recheck:
        await end_rights(harness, eve, LEAVINGS["blocked"][0])
        return await recheck(builder, delivery)

    monkeypatch.setattr(payloads.PayloadBuilder, "recheck", late)
    await harness.service.dispatcher.dispatch_once()
    await harness.service.dispatcher.idle()
    assert harness.receiver.requests == []
    assert [row.state for row in await harness.log(made.endpoint)] == ["pending"]


async def test_a_caller_with_fewer_rights_cannot_take_over(harness: WebhookHarness) -> None:
    eve = await create_eve(harness)
    made = await create_endpoint_of(harness, eve)
    await end_rights(harness, eve, None)
    fred = await create_eve(harness, "agent", f'["{WRITE_WEBHOOKS}"]')
    with pytest.raises(Forbidden):
        await endpoint_changes.change(
            harness.cast.engine, fred, made.endpoint.id, EndpointChanges(active=True)
        )


async def test_taking_over_is_in_the_audit_log(harness: WebhookHarness) -> None:
    eve = await create_eve(harness)
    made = await create_endpoint_of(harness, eve)
    await end_rights(harness, eve, None)
    engine, ada = harness.cast.engine, harness.cast.acme.actor("ada")
    await endpoint_changes.change(engine, ada, made.endpoint.id, EndpointChanges(active=True))
    page = await audit_log.find_page(engine, harness.admin, "webhook", "take_over", Window(limit=5))
    (entry,) = page.items
    assert (entry.actor_id, entry.noun_id) == (ada.identity_id, made.endpoint.id)
    assert OWNER_LEFT in entry.detail


@pytest.mark.parametrize("end", ["revoked", "expired", "its user left", "its maker left"])
async def test_the_endpoint_of_a_key_that_ended_is_paused(
    harness: WebhookHarness, end: str
) -> None:
    engine, eve = harness.cast.engine, await create_eve(harness)
    fred = await create_eve(harness, "agent")
    until = engine.clock.now() + HOUR if end == "expired" else None
    key = await api_keys.create(
        engine, eve, "k", PERMISSIONS, user_id=fred.identity_id, expires_at=until
    )
    made = await create_endpoint_of(harness, await credentials.by_key(engine, key.text))
    conversation = await harness.create_conversation()
    await harness.send_message(conversation, "before")
    await harness.plan_and_send()
    if end == "revoked":
        await api_keys.revoke(engine, operator(harness.admin.tenant_id), key.key.id)
    elif end == "expired":
        harness.cast.clock.advance(2 * 3600)
    else:
        await end_rights(harness, fred if end == "its user left" else eve, None)
    await harness.send_message(conversation, "after")
    await harness.plan_and_send()
    found = await shown(harness, made)
    assert len(harness.receiver.requests) == 1
    assert (found.status, found.reason) == ("disabled", KEY_ENDED)


async def test_an_owner_who_changes_and_keeps_all_rights_keeps_the_endpoint_active(
    harness: WebhookHarness,
) -> None:
    eve = await create_eve(harness)
    await create_endpoint_of(harness, eve)
    await end_rights(harness, eve, PersonChanges(name="Eva"))
    await harness.send_message(await harness.create_conversation())
    await harness.plan_and_send()
    assert len(harness.receiver.requests) == 1


AS_OF_BEFORE = """
ALTER TABLE webhook_endpoints RENAME TO hooks;
ALTER TABLE hooks RENAME COLUMN acts_as_user_id TO reads_as;
{};
ALTER TABLE hooks RENAME COLUMN reads_as TO acts_as_user_id;
ALTER TABLE hooks RENAME TO webhook_endpoints;
"""
"""A migration from when the table had other names."""


async def test_an_existing_endpoint_belongs_to_the_user_who_last_changed_it(
    harness: WebhookHarness,
) -> None:
    """The migration reads the audit log."""
    engine, ada = harness.cast.engine, harness.cast.acme.actor("ada")
    key = await api_keys.create(engine, ada, "k", PERMISSIONS)
    by_key = await credentials.by_key(engine, key.text)
    hooks_of = [await create_endpoint_of(harness, who) for who in (by_key, ada, harness.admin)]
    await engine.db.alter_schema(lambda _: "UPDATE webhook_endpoints SET owner_key_id = NULL")
    step = importlib.import_module(f"{versions.__name__}.0007_owners_of_webhooks")
    await engine.db.alter_schema(lambda _: AS_OF_BEFORE.format(step._FROM_AUDIT))
    found = [await shown(harness, each) for each in hooks_of]
    assert [each.owner_key_id for each in found] == [key.key.id, None, None]
