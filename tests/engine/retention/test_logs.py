"""A tenant's own periods for its event log and webhook deliveries; bodies of attempts."""

import pytest

from koine.engine.conversations import conversations, messages
from koine.engine.maintenance import maintenance
from koine.engine.retention import dry_run, rules, runs
from koine.engine.retention.rules import PeriodChanges
from koine.engine.retention.runs import counts_of
from koine.engine.webhooks import endpoints
from koine.engine.webhooks.endpoints import NewEndpoint
from koine.model.conversation import NewConversation
from koine.model.message import Draft
from koine.model.page import Window
from koine.model.webhook import Attempt
from koine.store.core.db import Database, Tx
from koine.store.events import event_log_state, events
from koine.store.webhooks import delivery_log, delivery_queue
from koine.store.webhooks.delivery_queue import QueuedDelivery
from tests.cast import Cast

DAY = 24 * 3600


@pytest.fixture
def db(empty_db: Database) -> Database:
    """Maintenance works on the whole database."""
    return empty_db


async def event_count(cast: Cast, tenant_id: str) -> int:
    return len(await cast.engine.db.read(tenant_id, events.of_tenant_after, 0, 1 << 62, 1000))


async def open_one(cast: Cast, company: str = "acme") -> str:
    of = getattr(cast, company)
    new = NewConversation(owner_id=of.id("carol"))
    return (await conversations.create(cast.engine, of.actor("ada"), new)).id


async def test_a_tenant_keeps_its_events_longer_than_the_server(cast: Cast) -> None:
    acme, rival, engine = cast.acme.tenant.id, cast.rival.tenant.id, cast.engine
    kept = engine.settings.event_keep_days
    await open_one(cast)
    await rules.change(engine, cast.acme.actor("ada"), PeriodChanges(events=kept + 10))
    before = await event_count(cast, acme)
    cast.clock.advance((kept + 1) * DAY)
    await open_one(cast, "rival")
    await maintenance.run_once(engine)
    assert (await event_count(cast, acme), await event_count(cast, rival)) == (before, 1)
    # Acme's streams resume from before; another tenant's cursors from then are too old.
    assert await engine.db.read(acme, event_log_state.tenant_floor) == 0
    assert await engine.db.read(rival, event_log_state.tenant_floor) > 0
    cast.clock.advance(10 * DAY)
    counted = await dry_run.count(engine, cast.acme.actor("ada"))
    done = counts_of(await runs.run(engine, cast.acme.actor("ada")))
    assert (counted.events, done.events) == (before, before)
    assert await event_count(cast, acme) == 0
    assert await engine.db.read(acme, event_log_state.tenant_floor) > 0


async def planned(cast: Cast, conversation_id: str) -> str:
    """An endpoint with a delivery of the conversation's last event, which was attempted once."""
    new = NewEndpoint(dialect="native", url="https://hooks.test/", kinds=("message.created",))
    made = await endpoints.create(cast.engine, cast.acme.actor("ada"), new)
    await cast.engine.db.write(
        cast.acme.tenant.id, _deliver, made.endpoint.id, conversation_id, cast.clock.now()
    )
    return made.endpoint.id


async def _deliver(tx: Tx, endpoint_id: str, conversation_id: str, now: int) -> None:
    position = (await events.log_snapshot(tx)).last
    delivery = QueuedDelivery(
        tx.tenant_id, endpoint_id, position, f"evt_{position}", "message.created",
        conversation_id, "delivered", 0, now, 0, now, now, None,
    )  # fmt: skip
    await delivery_queue.enqueue(tx, [delivery])
    attempt = Attempt(
        endpoint_id, position, 1, now, "https://hooks.test/", "{}", '{"content":"a secret"}', 200,
        None, None, None, 5,
    )  # fmt: skip
    row = (getattr(attempt, name) for name in Attempt.__struct_fields__)
    await tx.many(delivery_queue._INSERT_ATTEMPTS, [(tx.tenant_id, *row)])


async def body_of(cast: Cast, endpoint_id: str) -> str | None:
    return await cast.engine.db.read(cast.acme.tenant.id, _body, endpoint_id)


async def _body(tx: Tx, endpoint_id: str) -> str | None:
    from_log = await delivery_log.find_page(tx, endpoint_id, Window(limit=10))
    (attempt,) = await delivery_log.attempts(tx, from_log.items[0], 10)
    return attempt.body


async def test_the_bodies_of_attempts_go_with_the_messages(cast: Cast) -> None:
    ada, engine, at = cast.acme.actor("ada"), cast.engine, await open_one(cast)
    await messages.send_unchecked(engine, ada, at, Draft(content="old", sender_id=ada.identity_id))
    old = await planned(cast, at)
    cast.clock.advance(31 * DAY)
    for text in ("new", "newer", "newest"):
        draft = Draft(content=text, sender_id=ada.identity_id)
        await messages.send_unchecked(engine, ada, at, draft)
        cast.clock.advance(1)
    new = await planned(cast, at)
    await rules.change(engine, ada, PeriodChanges(messages=30))
    await runs.run(engine, ada)
    assert await body_of(cast, old) is None
    assert await body_of(cast, new) == '{"content":"a secret"}'


async def test_a_tenant_keeps_webhook_deliveries_for_a_time_of_its_own(cast: Cast) -> None:
    ada, engine, at = cast.acme.actor("ada"), cast.engine, await open_one(cast)
    kept = engine.settings.webhook_keep_days
    await planned(cast, at)
    await rules.change(engine, ada, PeriodChanges(webhook_deliveries=kept + 10))
    cast.clock.advance((kept + 1) * DAY)
    now = engine.clock.now()
    assert await engine.db.read("", delivery_log.endpoints_with_deliveries_before, now) == []
    assert counts_of(await runs.run(engine, ada)).webhook_deliveries == 0
    cast.clock.advance(10 * DAY)
    counted = await dry_run.count(engine, ada)
    done = counts_of(await runs.run(engine, ada))
    assert (counted.webhook_deliveries, done.webhook_deliveries) == (1, 1)
