"""From the engine's retention rules, runs and holds to those of the API. Pure."""

from msgspec import structs

from koine.dialects.native import fields
from koine.dialects.native.retention import schemas
from koine.engine.retention.dry_run import DryRun
from koine.engine.retention.rules import Retention
from koine.engine.retention.runs import counts_of
from koine.kit.times import iso_ms
from koine.model.retention import (
    InboxPeriods,
    LegalHold,
    RetentionCounts,
    RetentionPeriods,
    RetentionRun,
)


def render_retention(r: Retention) -> schemas.Retention:
    """The rules of a tenant."""
    return schemas.Retention(
        periods=render_periods(r.rules.tenant),
        inboxes=[render_inbox_periods(each, r.rules.inboxes[each]) for each in r.rules.inboxes],
        server=schemas.ServerPeriods(r.event_days, r.webhook_delivery_days),
        last_run=None if r.last_run is None else _render_run(r.last_run),
    )


def render_periods(p: RetentionPeriods) -> schemas.Periods:
    """The periods of a tenant."""
    return schemas.Periods(
        messages=p.messages,
        conversations=p.conversations,
        files=p.files,
        events=p.events,
        webhook_deliveries=p.webhook_deliveries,
        audit=p.audit,
    )


def render_inbox_periods(inbox_id: str, p: InboxPeriods) -> schemas.InboxPeriods:
    """The periods of an inbox."""
    return schemas.InboxPeriods(inbox_id, p.messages, p.conversations)


def render_hold(h: LegalHold) -> schemas.Hold:
    """A legal hold."""
    return schemas.Hold(h.kind, h.subject_id, h.reason, h.created_by, iso_ms(h.created_at))


def render_dry_run(found: DryRun) -> schemas.DryRun:
    """What a run would delete."""
    return schemas.DryRun(_render_counts(found.counts), found.complete)


def _render_run(run: RetentionRun) -> schemas.Run:
    return schemas.Run(
        started_at=iso_ms(run.started_at),
        finished_at=fields.render_time(run.finished_at),
        deleted=_render_counts(counts_of(run)),
    )


def _render_counts(counts: RetentionCounts) -> schemas.DeletedCounts:
    return schemas.DeletedCounts(**structs.asdict(counts))
