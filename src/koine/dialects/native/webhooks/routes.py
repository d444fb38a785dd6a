"""Webhook endpoints, what was delivered to them, and delivering it again."""

from typing import Any

from msgspec import UNSET

from koine.dialects.native import fields, pagination
from koine.dialects.native.schemas import PageQuery
from koine.dialects.native.webhooks import schemas
from koine.dialects.native.webhooks.render import (
    render_changed_webhook,
    render_created_webhook,
    render_delivery,
    render_delivery_detail,
    render_ping,
    render_webhook,
)
from koine.engine.auth import access
from koine.engine.webhooks import deliveries, endpoint_changes, endpoints
from koine.engine.webhooks.deliveries import LogFilter, Range
from koine.engine.webhooks.endpoint_changes import EndpointChanges
from koine.engine.webhooks.endpoints import READ, NewEndpoint
from koine.http.request import Request
from koine.http.route import PathType, Routes
from koine.webhooks import ping

WEBHOOKS = "/v1/webhooks"
WEBHOOK = "/v1/webhooks/{webhook_id}"
TAGS = ("Webhooks",)
TYPES: dict[str, PathType] = {"webhook_id": "uuid"}

routes = Routes()


@routes.get(WEBHOOKS, query=PageQuery, returns=schemas.Webhooks, tags=TAGS)
async def list_webhooks(request: Request[None, PageQuery]) -> schemas.Webhooks:
    """List webhooks, oldest first."""
    window = pagination.parse_window(request.query)
    everyone = await endpoints.list_all(request.engine, request.actor)
    page = pagination.slice_page(everyone, window, pagination.creation_position)
    return pagination.render_page(schemas.Webhooks, page, render_webhook)


@routes.post(
    WEBHOOKS, body=schemas.CreateWebhook, returns=schemas.CreatedWebhook, status=201, tags=TAGS
)
async def create_webhook(request: Request[schemas.CreateWebhook, None]) -> schemas.CreatedWebhook:
    """Set a webhook up. The secret is shown this once."""
    given = _endpoint_fields(request.body)
    made = await endpoints.create(request.engine, request.actor, NewEndpoint(**given))
    return render_created_webhook(made)


@routes.get(
    f"{WEBHOOKS}/event-kinds", query=schemas.KindsQuery, returns=schemas.EventKinds, tags=TAGS
)
async def list_event_kinds(request: Request[None, schemas.KindsQuery]) -> schemas.EventKinds:
    """List the events a webhook can ask for."""
    access.require(request.actor, *READ)
    format_ = request.engine.webhook_formats.get(request.query.dialect)
    return schemas.EventKinds(list(format_.kinds) if format_ else [])


@routes.get(WEBHOOK, returns=schemas.Webhook, path_types=TYPES, tags=TAGS)
async def get_webhook(request: Request[None, None]) -> schemas.Webhook:
    """Get one webhook."""
    found = await endpoints.get(
        request.engine, request.actor, fields.path_id(request, "webhook_id")
    )
    return render_webhook(found)


@routes.patch(
    WEBHOOK, body=schemas.ChangeWebhook, returns=schemas.ChangedWebhook, path_types=TYPES, tags=TAGS
)
async def change_webhook(request: Request[schemas.ChangeWebhook, None]) -> schemas.ChangedWebhook:
    """Change a webhook, or switch it on again, or off. A new origin has a new secret."""
    webhook_id = fields.path_id(request, "webhook_id")
    given = _endpoint_fields(request.body)
    if "status" in given:
        given["active"] = given.pop("status") == "active"
    changed = await endpoint_changes.change(
        request.engine, request.actor, webhook_id, EndpointChanges(**given)
    )
    return render_changed_webhook(changed)


@routes.delete(WEBHOOK, status=204, path_types=TYPES, tags=TAGS)
async def remove_webhook(request: Request[None, None]) -> None:
    """Remove a webhook with its pending deliveries and its log."""
    await endpoints.remove(request.engine, request.actor, fields.path_id(request, "webhook_id"))


@routes.post(
    f"{WEBHOOK}/rotate",
    body=schemas.RotateSecret,
    returns=schemas.CreatedWebhook,
    path_types=TYPES,
    tags=TAGS,
)
async def rotate_secret(request: Request[schemas.RotateSecret, None]) -> schemas.CreatedWebhook:
    """Make a new secret, shown this once. Until the overlap is over both sign."""
    webhook_id, engine = fields.path_id(request, "webhook_id"), request.engine
    made = await endpoints.rotate(
        engine, request.actor, engine.encryption, webhook_id, request.body.overlap_hours
    )
    return render_created_webhook(made)


@routes.post(
    f"{WEBHOOK}/test", returns=schemas.PingResult, path_types=TYPES, idempotent=False, tags=TAGS
)
async def test_webhook(request: Request[None, None]) -> schemas.PingResult:
    """Send a test delivery now and return its result."""
    webhook_id = fields.path_id(request, "webhook_id")
    return render_ping(await ping.send_ping(request.engine, request.actor, webhook_id))


def _endpoint_fields(body: schemas.CreateWebhook | schemas.ChangeWebhook) -> dict[str, Any]:
    """The fields that a body has, under the engine's names."""
    given = fields.provided_fields(body, ids=("inbox_id",))
    if "events" in given:
        given["kinds"] = tuple(dict.fromkeys(given.pop("events")))
    policy = given.pop("retry_policy", UNSET)
    if policy is not UNSET:
        none = {"max_retries": None, "backoff": None}
        given |= none if policy is None else fields.provided_fields(policy)
    return given


DELIVERIES = f"{WEBHOOK}/deliveries"
DELIVERY = f"{DELIVERIES}/{{event_id}}"


@routes.get(
    DELIVERIES,
    query=schemas.DeliveryQuery,
    returns=schemas.WebhookDeliveries,
    path_types=TYPES,
    tags=TAGS,
)
async def list_webhook_deliveries(
    request: Request[None, schemas.DeliveryQuery],
) -> schemas.WebhookDeliveries:
    """List deliveries, newest event first."""
    webhook_id, q = fields.path_id(request, "webhook_id"), request.query
    wanted = LogFilter(
        states=tuple(q.state or ()),
        kinds=tuple(q.kind or ()),
        since=fields.parse_time("since", q.since),
        until=fields.parse_time("until", q.until),
        request_id=q.request_id,
    )
    page = await deliveries.find_page(
        request.engine, request.actor, webhook_id, wanted, pagination.parse_window(q)
    )
    return pagination.render_page(schemas.WebhookDeliveries, page, render_delivery)


@routes.get(DELIVERY, returns=schemas.WebhookDeliveryDetail, path_types=TYPES, tags=TAGS)
async def get_webhook_delivery(request: Request[None, None]) -> schemas.WebhookDeliveryDetail:
    """Get one delivery with its attempts: their requests and responses."""
    webhook_id = fields.path_id(request, "webhook_id")
    found = await deliveries.get(
        request.engine, request.actor, webhook_id, request.path["event_id"]
    )
    return render_delivery_detail(found)


@routes.post(
    f"{DELIVERY}/replay", returns=schemas.WebhookDelivery, status=202, path_types=TYPES, tags=TAGS
)
async def replay_delivery(request: Request[None, None]) -> schemas.WebhookDelivery:
    """Deliver an event again, under the same id."""
    webhook_id = fields.path_id(request, "webhook_id")
    again = await deliveries.replay(
        request.engine, request.actor, webhook_id, request.path["event_id"]
    )
    return render_delivery(again)


@routes.post(
    f"{WEBHOOK}/replay",
    body=schemas.Replay,
    returns=schemas.ReplayResult,
    status=202,
    path_types=TYPES,
    tags=TAGS,
)
async def replay_webhook(request: Request[schemas.Replay, None]) -> schemas.ReplayResult:
    """Deliver again what happened in a time, whether it was delivered or not."""
    webhook_id, body = fields.path_id(request, "webhook_id"), request.body
    since, until = fields.parse_time("since", body.since), fields.parse_time("until", body.until)
    wanted = Range(
        since=since or 0,
        until=request.engine.clock.now() + 1 if until is None else until,
        kinds=tuple(body.kinds),
    )
    queued = await deliveries.replay_range(request.engine, request.actor, webhook_id, wanted)
    return schemas.ReplayResult(queued)
