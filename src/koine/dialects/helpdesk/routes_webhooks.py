"""Webhooks (helpdesk.md, "Neighbours"): those of this dialect alone."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from koine.dialects.helpdesk import paths, wire
from koine.dialects.helpdesk import wire_webhooks as wires
from koine.engine.webhooks import deliveries, endpoint_changes, endpoints
from koine.engine.webhooks.deliveries import LogFilter
from koine.engine.webhooks.endpoint_changes import EndpointChanges
from koine.engine.webhooks.endpoints import NewEndpoint
from koine.http.request import Request
from koine.http.route import PathType, Routes
from koine.kit.structs import provided_fields
from koine.kit.times import iso_ms
from koine.model.webhook import DeliveryState, WebhookDelivery, WebhookEndpoint
from koine.webhooks import test_delivery
from koine.webhooks.retry_policy import RETRIES

WEBHOOKS = "/api/v1/webhooks"
WEBHOOK = "/api/v1/webhooks/{id}"
TYPES: dict[str, PathType] = {"id": "uuid"}
DIALECT = "helpdesk"
STATUSES: dict[DeliveryState, wires.LogStatus] = {
    "pending": "pending",
    "delivered": "success",
    "failed": "failed",
    "cancelled": "failed",
}
_event_names = msgspec.json.Decoder(list[str])

routes = Routes()


@routes.get(WEBHOOKS, query=wire.PageQuery, returns=wires.Webhooks)
async def list_webhooks(call: Request[None, wire.PageQuery]) -> wires.Webhooks:
    """List webhooks, oldest first."""
    everyone = await endpoints.list_all(call.engine, call.actor)
    ours = [each for each in everyone if each.dialect == DIALECT]
    window, where = paths.window(call.query), paths.pagination(call.query, len(ours))
    shown = [render_webhook(each) for each in ours[window.offset :][: window.limit]]
    page = wires.WebhookPage(shown, where.total, where.page, where.limit, where.total_pages)
    return wires.Webhooks(success=True, data=page)


@routes.post(WEBHOOKS, body=wires.CreateWebhook, returns=wires.OneWebhook, status=201)
async def create_webhook(call: Request[wires.CreateWebhook, None]) -> wires.OneWebhook:
    """Create a webhook. Its secret is shown this once."""
    new = NewEndpoint(dialect=DIALECT, **_endpoint_fields(call.body))
    made = await endpoints.create(call.engine, call.actor, new)
    return wires.OneWebhook(success=True, data=render_webhook(made.hook, made.secret))


@routes.get(WEBHOOK, returns=wires.OneWebhook, path_types=TYPES)
async def get_webhook(call: Request[None, None]) -> wires.OneWebhook:
    """Get one webhook."""
    found = await endpoints.get(call.engine, call.actor, paths.path_id(call), DIALECT)
    return wires.OneWebhook(success=True, data=render_webhook(found))


@routes.put(WEBHOOK, body=wires.UpdateWebhook, returns=wires.OneWebhook, path_types=TYPES)
async def update_webhook(call: Request[wires.UpdateWebhook, None]) -> wires.OneWebhook:
    """Change a webhook, or switch it on again, or off. A new origin has a new secret."""
    changes = EndpointChanges(active=call.body.is_active, **_endpoint_fields(call.body))
    hook_id = paths.path_id(call)
    changed = await endpoint_changes.change(call.engine, call.actor, hook_id, changes, DIALECT)
    return wires.OneWebhook(
        success=True, data=render_webhook(changed.hook, changed.secret or UNSET)
    )


@routes.delete(WEBHOOK, returns=wire.Deleted, path_types=TYPES)
async def delete_webhook(call: Request[None, None]) -> wire.Deleted:
    """Delete a webhook and its log."""
    await endpoints.remove(call.engine, call.actor, paths.path_id(call), DIALECT)
    return wire.Deleted(success=True, message="Webhook deleted")


@routes.post(f"{WEBHOOK}/test", returns=wires.Tested, path_types=TYPES, idempotent=False)
async def test_webhook(call: Request[None, None]) -> wires.Tested:
    """Post a `ping` now, and say what came of it."""
    posted = await test_delivery.send_ping(call.engine, call.actor, paths.path_id(call), DIALECT)
    tried = posted.attempt
    outcome = wires.TestOutcome(
        delivered=posted.verdict.outcome == "delivered",
        response_status=tried.answered,
        response_body=tried.answer_body,
        error=tried.error,
        took_ms=tried.took_us / 1000,
    )
    return wires.Tested(success=True, data=outcome)


@routes.get(f"{WEBHOOK}/logs", query=wires.LogQuery, returns=wires.Logs, path_types=TYPES)
async def list_logs(call: Request[None, wires.LogQuery]) -> wires.Logs:
    """List what was delivered, or was to be, newest event first."""
    status = call.query.status
    states = tuple(state for state, shown in STATUSES.items() if shown == status)
    hook_id, window = paths.path_id(call), paths.window(call.query)
    found = await deliveries.page(
        call.engine, call.actor, hook_id, LogFilter(states), window, dialect=DIALECT
    )
    where = paths.pagination(call.query, found.total or 0)
    shown = [render_log(each) for each in found.items]
    page = wires.LogPage(shown, where.total, where.page, where.limit, where.total_pages)
    return wires.Logs(success=True, data=page)


def _endpoint_fields(body: wires.CreateWebhook | wires.UpdateWebhook) -> dict[str, Any]:
    """The fields a body has, by the engine's names."""
    given = provided_fields(body)
    given.pop("is_active", None)
    if "events" in given:
        given["kinds"] = tuple(dict.fromkeys(given.pop("events")))
    policy: wires.RetryPolicy | wires.ChangeRetryPolicy | None = given.pop("retry_policy", None)
    if policy is not None:
        said = {"max_retries": policy.max_retries, "backoff": policy.backoff_strategy}
        given |= {name: value for name, value in said.items() if value is not UNSET}
    return given


def render_webhook(h: WebhookEndpoint, secret: str | UnsetType = UNSET) -> wires.Webhook:
    """A webhook; `secret` only in the response that first shows it."""
    retries = RETRIES if h.max_retries is None else h.max_retries
    return wires.Webhook(
        id=h.id,
        name=h.name,
        url=h.url,
        events=_event_names.decode(h.kinds),
        secret=secret,
        is_active=h.status == "active",
        inactive_reason=h.reason,
        retry_policy=wires.RetryPolicy(retries, h.backoff or "exponential"),
        created_at=iso_ms(h.created_at),
        updated_at=iso_ms(h.updated_at),
    )


def render_log(d: WebhookDelivery) -> wires.Log:
    """One delivery to a webhook."""
    return wires.Log(
        id=d.event_id,
        event=d.kind,
        status=STATUSES[d.state],
        attempts=d.attempt,
        response_status=d.answered,
        error=d.error,
        next_attempt_at=iso_ms(d.due_at) if d.state == "pending" else None,
        created_at=iso_ms(d.created_at),
        completed_at=iso_ms(d.finished_at) if d.finished_at is not None else None,
    )
