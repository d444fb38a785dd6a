"""An endpoint is told what its owner may read now; without one it waits to be taken over."""

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


async def eve_of(
    told: WebhookHarness, role: str = "tenant_admin", permissions: str = "[]"
) -> Actor:
    """Somebody who will leave."""
    new = NewIdentity(kind="user", name="Eve", role=role, permissions=permissions)
    eve = await directory.create(told.cast.engine, told.boss, new)
    held = access.effective_permissions(role, permissions)
    return Actor(told.boss.tenant_id, "user", eve.id, role, held)


async def hook_of(told: WebhookHarness, owner: Actor) -> CreatedEndpoint:
    new = NewEndpoint(dialect="native", url=f"{told.receiver.url}/hook", kinds=("message.created",))
    return await endpoints.create(told.cast.engine, owner, new)


async def leave(told: WebhookHarness, who: Actor, how: PersonChanges | None) -> None:
    engine, who_id = told.cast.engine, who.identity_id or ""
    if how is None:
        await offboarding.remove(engine, told.boss, who_id, "user")
    else:
        await directory.change(engine, told.boss, who_id, "user", how)


async def shown(told: WebhookHarness, made: CreatedEndpoint) -> WebhookEndpoint:
    return await endpoints.get(told.cast.engine, told.boss, made.endpoint.id)


@LEAVING
async def test_the_endpoint_of_one_who_leaves_is_paused_and_told_nothing(
    told: WebhookHarness, how: PersonChanges | None, why: str
) -> None:
    eve = await eve_of(told)
    made, talk = await hook_of(told, eve), await told.talk()
    await told.say(talk, "before")
    await told.tell()
    await leave(told, eve, how)
    found = await shown(told, made)
    assert (found.status, found.reason) == ("disabled", why)
    await told.say(talk, "a note", private=True)
    await told.tell()
    assert len(told.receiver.got) == 1
    with pytest.raises(Conflict):
        await deliveries.replay(
            told.cast.engine, told.boss, made.endpoint.id, told.receiver.got[0].id
        )


@LEAVING
async def test_the_log_alone_pauses_it(
    told: WebhookHarness, how: PersonChanges | None, why: str
) -> None:
    """Without anything to tell it: the row itself says so, and other endpoints are told."""
    eve = await eve_of(told)
    made = await hook_of(told, eve)
    await told.hook(kinds=("webhook.disabled",))
    await leave(told, eve, how)
    await told.derive()
    await told.tell()
    row = await told.cast.engine.db.read(told.boss.tenant_id, rows.get, made.endpoint.id)
    assert row is not None and (row.status, row.reason) == ("disabled", why)
    (got,) = told.receiver.got
    assert why.encode() in got.body and made.endpoint.id.encode() in got.body


async def test_what_is_on_its_way_waits_for_the_one_who_takes_over(told: WebhookHarness) -> None:
    eve = await eve_of(told)
    made, talk = await hook_of(told, eve), await told.talk()
    await told.say(talk, "on its way")
    await told.derive()
    await leave(told, eve, LEAVINGS["blocked"][0])
    await told.send()
    assert told.receiver.got == []
    assert [row.state for row in await told.log(made.endpoint)] == ["pending"]
    ada = told.cast.acme.actor("ada")
    on = await endpoint_changes.change(
        told.cast.engine, ada, made.endpoint.id, EndpointChanges(active=True)
    )
    assert (on.endpoint.status, on.endpoint.acts_as_user_id, on.secret) == (
        "active",
        ada.identity_id,
        None,
    )
    await told.send()
    assert len(told.receiver.got) == 1


async def test_a_letter_that_waited_is_asked_for_again(
    told: WebhookHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "RECHECK_AFTER", -1)
    eve = await eve_of(told)
    made, talk = await hook_of(told, eve), await told.talk()
    await told.say(talk)
    await told.derive()
    reason_to_pause = payloads.PayloadBuilder.reason_to_pause

    async def late(desk: payloads.PayloadBuilder, letter: payloads.OutgoingDelivery) -> str | None:
        await leave(told, eve, LEAVINGS["blocked"][0])
        return await reason_to_pause(desk, letter)

    monkeypatch.setattr(payloads.PayloadBuilder, "reason_to_pause", late)
    await told.hooks.dispatcher.dispatch_once()
    await told.hooks.dispatcher.idle()
    assert told.receiver.got == []
    assert [row.state for row in await told.log(made.endpoint)] == ["pending"]


async def test_nobody_takes_over_who_holds_less(told: WebhookHarness) -> None:
    eve = await eve_of(told)
    made = await hook_of(told, eve)
    await leave(told, eve, None)
    fred = await eve_of(told, "agent", f'["{WRITE_WEBHOOKS}"]')
    with pytest.raises(Forbidden):
        await endpoint_changes.change(
            told.cast.engine, fred, made.endpoint.id, EndpointChanges(active=True)
        )


async def test_who_takes_over_is_in_the_audit_log(told: WebhookHarness) -> None:
    eve = await eve_of(told)
    made = await hook_of(told, eve)
    await leave(told, eve, None)
    engine, ada = told.cast.engine, told.cast.acme.actor("ada")
    await endpoint_changes.change(engine, ada, made.endpoint.id, EndpointChanges(active=True))
    page = await audit_log.find(engine, told.boss, "webhook", "take_over", Window(limit=5))
    (entry,) = page.items
    assert (entry.actor_id, entry.noun_id) == (ada.identity_id, made.endpoint.id)
    assert OWNER_LEFT in entry.detail


@pytest.mark.parametrize("end", ["revoked", "expired", "its user left", "its maker left"])
async def test_the_endpoint_of_a_key_that_ended_is_paused(told: WebhookHarness, end: str) -> None:
    engine, eve = told.cast.engine, await eve_of(told)
    fred = await eve_of(told, "agent")
    until = engine.clock.now() + HOUR if end == "expired" else None
    key = await api_keys.create(
        engine, eve, "k", PERMISSIONS, user_id=fred.identity_id, expires_at=until
    )
    made = await hook_of(told, await credentials.by_key(engine, key.text))
    talk = await told.talk()
    await told.say(talk, "before")
    await told.tell()
    if end == "revoked":
        await api_keys.revoke(engine, operator(told.boss.tenant_id), key.key.id)
    elif end == "expired":
        told.cast.clock.advance(2 * 3600)
    else:
        await leave(told, fred if end == "its user left" else eve, None)
    await told.say(talk, "after")
    await told.tell()
    found = await shown(told, made)
    assert len(told.receiver.got) == 1
    assert (found.status, found.reason) == ("disabled", KEY_ENDED)


async def test_an_owner_who_changes_and_keeps_all_rights_is_told_on(told: WebhookHarness) -> None:
    eve = await eve_of(told)
    await hook_of(told, eve)
    await leave(told, eve, PersonChanges(name="Eva"))
    await told.say(await told.talk())
    await told.tell()
    assert len(told.receiver.got) == 1


AS_OF_BEFORE = """
ALTER TABLE webhook_endpoints RENAME TO hooks;
ALTER TABLE hooks RENAME COLUMN acts_as_user_id TO reads_as;
{};
ALTER TABLE hooks RENAME COLUMN reads_as TO acts_as_user_id;
ALTER TABLE hooks RENAME TO webhook_endpoints;
"""
"""A step of when the table had its older names."""


async def test_an_endpoint_of_before_belongs_to_who_last_changed_it(told: WebhookHarness) -> None:
    """A migration reads it in the audit log."""
    engine, ada = told.cast.engine, told.cast.acme.actor("ada")
    key = await api_keys.create(engine, ada, "k", PERMISSIONS)
    by_key = await credentials.by_key(engine, key.text)
    hooks_of = [await hook_of(told, who) for who in (by_key, ada, told.boss)]
    await engine.db.alter_schema(lambda _: "UPDATE webhook_endpoints SET owner_key_id = NULL")
    step = importlib.import_module(f"{versions.__name__}.0007_owners_of_webhooks")
    await engine.db.alter_schema(lambda _: AS_OF_BEFORE.format(step._FROM_AUDIT))
    found = [await shown(told, each) for each in hooks_of]
    assert [each.owner_key_id for each in found] == [key.key.id, None, None]
