"""For how long a tenant keeps its data: read and change its periods and those of its inboxes."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from koine.engine.auth import access
from koine.engine.core.engine import Engine
from koine.engine.core.operations import read_tx, write_tx
from koine.engine.core.recorder import record_audit
from koine.kit.settings import Settings
from koine.kit.structs import provided_fields
from koine.model.actor import Actor
from koine.model.errors import Invalid, NotFound
from koine.model.permissions import MANAGE_TENANT
from koine.model.retention import (
    LONGEST_DAYS,
    SHORTEST_AUDIT_DAYS,
    InboxPeriods,
    RetentionPeriods,
    RetentionRules,
    RetentionRun,
)
from koine.store import tenants
from koine.store.contacts import inboxes
from koine.store.core.db import Tx
from koine.store.events import event_log_state
from koine.store.retention import rules, runs

Days = int | None | UnsetType


class PeriodChanges(Struct, frozen=True, kw_only=True):
    """The periods to change, in days; None: forever, of events and webhook deliveries as long as
    the server's settings say. UNSET leaves a period as it is."""

    messages: Days = UNSET
    conversations: Days = UNSET
    files: Days = UNSET
    events: Days = UNSET
    webhook_deliveries: Days = UNSET
    audit: Days = UNSET


class InboxPeriodChanges(Struct, frozen=True, kw_only=True):
    """The periods of an inbox to change, in days. None: the tenant's; 0: forever."""

    messages: Days = UNSET
    conversations: Days = UNSET


class Retention(Struct, frozen=True):
    """A tenant's rules, the run that is going on or the last one, and the least days for which the
    server keeps events and webhook deliveries."""

    rules: RetentionRules
    last_run: RetentionRun | None
    event_days: int
    webhook_delivery_days: int


async def get(engine: Engine, actor: Actor) -> Retention:
    """The actor's tenant's rules. Raises Forbidden."""
    found, last = await _get(engine, actor)
    s = engine.settings
    return Retention(found, last, s.event_keep_days, s.webhook_keep_days)


@read_tx
async def _get(tx: Tx, actor: Actor) -> tuple[RetentionRules, RetentionRun | None]:
    access.require(actor, MANAGE_TENANT)
    return await rules.get(tx), await runs.get(tx)


async def change(engine: Engine, actor: Actor, changes: PeriodChanges) -> RetentionPeriods:
    """Change the tenant's periods. Raises Forbidden, Invalid for a period that is too short or
    long."""
    values = provided_fields(changes)
    _check(values, _shortest(engine.settings))
    return await _change(engine, actor, values)


@write_tx
async def _change(tx: Tx, now: int, actor: Actor, values: dict[str, Any]) -> RetentionPeriods:
    access.require(actor, MANAGE_TENANT)
    await tenants.lock(tx)
    after = structs.replace((await rules.get(tx)).tenant, **values)
    if after.events is not None:
        # Up to there events were deleted before the tenant had a period of its own.
        await event_log_state.raise_own_floor(tx, await event_log_state.tenant_floor(tx))
    await rules.save(tx, tx.tenant_id, after)
    await record_audit(tx, now, actor, "change_retention", "tenant", tx.tenant_id, days=values)
    return after


async def change_inbox(
    engine: Engine, actor: Actor, inbox_id: str, changes: InboxPeriodChanges
) -> InboxPeriods:
    """Change the periods of an inbox. Raises Forbidden, NotFound("inbox"), Invalid."""
    values = provided_fields(changes)
    _check(values, dict.fromkeys(values, 0))
    return await _change_inbox(engine, actor, inbox_id, values)


@write_tx
async def _change_inbox(
    tx: Tx, now: int, actor: Actor, inbox_id: str, values: dict[str, Any]
) -> InboxPeriods:
    access.require(actor, MANAGE_TENANT)
    await tenants.lock(tx)
    if await inboxes.get(tx, inbox_id) is None:
        raise NotFound("inbox")
    after = structs.replace((await rules.get(tx)).inboxes.get(inbox_id, InboxPeriods()), **values)
    await rules.save(tx, inbox_id, after)
    await record_audit(tx, now, actor, "change_retention", "inbox", inbox_id, days=values)
    return after


def _shortest(settings: Settings) -> dict[str, int]:
    return {
        "events": settings.event_keep_days,
        "webhook_deliveries": settings.webhook_keep_days,
        "audit": SHORTEST_AUDIT_DAYS,
    }


def _check(values: dict[str, Any], shortest: dict[str, int]) -> None:
    for name, days in values.items():
        least = shortest.get(name, 1)
        if days is not None and not least <= days <= LONGEST_DAYS:
            raise Invalid(name, "range", f"must be {least} to {LONGEST_DAYS} days, or null")
