"""For how long the tenant keeps its data, and what it must not delete."""

from koine.dialects.native import fields, pagination
from koine.dialects.native.retention import schemas
from koine.dialects.native.retention.render import (
    render_dry_run,
    render_hold,
    render_inbox_periods,
    render_periods,
    render_retention,
)
from koine.dialects.native.schemas import PageQuery
from koine.engine.retention import dry_run, holds, rules
from koine.engine.retention.rules import InboxPeriodChanges, PeriodChanges
from koine.http.request import Request
from koine.http.route import Routes
from koine.kit.structs import provided_fields
from koine.model.ids import parse_id

RETENTION = "/v1/tenant/retention"
HOLDS = "/v1/tenant/holds"
TAGS = ("Retention",)

routes = Routes()


@routes.get(RETENTION, returns=schemas.Retention, tags=TAGS)
async def get_retention(request: Request[None, None]) -> schemas.Retention:
    """Get for how long the tenant keeps its data, and what the last run deleted."""
    return render_retention(await rules.get(request.engine, request.actor))


@routes.patch(RETENTION, body=schemas.ChangePeriods, returns=schemas.Periods, tags=TAGS)
async def change_retention(request: Request[schemas.ChangePeriods, None]) -> schemas.Periods:
    """Change for how long the tenant keeps its data. What is older is deleted for good."""
    changes = PeriodChanges(**provided_fields(request.body))
    return render_periods(await rules.change(request.engine, request.actor, changes))


@routes.get(RETENTION + "/dry-run", returns=schemas.DryRun, tags=TAGS)
async def get_retention_dry_run(request: Request[None, None]) -> schemas.DryRun:
    """Count what retention would delete if it ran now, and delete nothing."""
    return render_dry_run(await dry_run.count_some(request.engine, request.actor))


@routes.patch(
    "/v1/inboxes/{inbox_id}/retention",
    body=schemas.ChangeInboxPeriods,
    returns=schemas.InboxPeriods,
    path_types={"inbox_id": "uuid"},
    tags=TAGS,
)
async def change_inbox_retention(
    request: Request[schemas.ChangeInboxPeriods, None],
) -> schemas.InboxPeriods:
    """Change for how long the conversations of an inbox are kept, and their messages."""
    inbox_id = fields.path_id(request, "inbox_id")
    changes = InboxPeriodChanges(**provided_fields(request.body))
    changed = await rules.change_inbox(request.engine, request.actor, inbox_id, changes)
    return render_inbox_periods(inbox_id, changed)


@routes.get(HOLDS, query=PageQuery, returns=schemas.Holds, tags=TAGS)
async def list_holds(request: Request[None, PageQuery]) -> schemas.Holds:
    """List legal holds, oldest first."""
    window = pagination.parse_window(request.query)
    every = await holds.list_all(request.engine, request.actor)
    page = pagination.slice_page(every, window, lambda hold: (hold.created_at, hold.subject_id))
    return pagination.render_page(schemas.Holds, page, render_hold)


@routes.post(HOLDS, body=schemas.PlaceHold, returns=schemas.Hold, status=201, tags=TAGS)
async def place_hold(request: Request[schemas.PlaceHold, None]) -> schemas.Hold:
    """Place a legal hold; a second one on the same subject changes the reason."""
    body = request.body
    subject_id = parse_id("subject_id", body.subject_id)
    placed = await holds.place(request.engine, request.actor, body.kind, subject_id, body.reason)
    return render_hold(placed)


@routes.delete(HOLDS + "/{subject_id}", status=204, path_types={"subject_id": "uuid"}, tags=TAGS)
async def release_hold(request: Request[None, None]) -> None:
    """Release a legal hold."""
    await holds.release(request.engine, request.actor, fields.path_id(request, "subject_id"))
