"""The requests for webhooks (helpdesk.md, "Neighbours"), of those that this dialect created."""

from typing import Any

from msgspec import UNSET

from koine.dialects.helpdesk.parsing import parse_page, path_id, render_pagination
from koine.dialects.helpdesk.schemas import Deleted, PageQuery
from koine.dialects.helpdesk.webhooks import schemas
from koine.dialects.helpdesk.webhooks.render import STATUSES, render_log, render_webhook
from koine.engine.webhooks import deliveries, endpoint_changes, endpoints
from koine.engine.webhooks.deliveries import LogFilter
from koine.engine.webhooks.endpoint_changes import EndpointChanges
from koine.engine.webhooks.endpoints import NewEndpoint
from koine.http.request import Request
from koine.http.route import PathType, Routes
from koine.kit.structs import provided_fields
from koine.webhooks import ping

WEBHOOKS = "/api/v1/webhooks"
WEBHOOK = "/api/v1/webhooks/{id}"
TYPES: dict[str, PathType] = {"id": "uuid"}
DIALECT = "helpdesk"
routes = Routes()


@routes.get(WEBHOOKS, query=PageQuery, returns=schemas.Webhooks)
async def list_webhooks(request: Request[None, PageQuery]) -> schemas.Webhooks:
    """List webhooks, oldest first."""
    everything = await endpoints.list_all(request.engine, request.actor)
    own = [each for each in everything if each.dialect == DIALECT]
    window, pagination = parse_page(request.query), render_pagination(request.query, len(own))
    page = schemas.WebhookPage(
        [render_webhook(each) for each in own[window.offset :][: window.limit]],
        pagination.total,
        pagination.page,
        pagination.limit,
        pagination.total_pages,
    )
    return schemas.Webhooks(success=True, data=page)


@routes.post(WEBHOOKS, body=schemas.CreateWebhook, returns=schemas.OneWebhook, status=201)
async def create_webhook(request: Request[schemas.CreateWebhook, None]) -> schemas.OneWebhook:
    """Create a webhook; the response contains its secret, which is not shown again."""
    new = NewEndpoint(dialect=DIALECT, **_endpoint_fields(request.body))
    created = await endpoints.create(request.engine, request.actor, new)
    return schemas.OneWebhook(success=True, data=render_webhook(created.endpoint, created.secret))


@routes.get(WEBHOOK, returns=schemas.OneWebhook, path_types=TYPES)
async def get_webhook(request: Request[None, None]) -> schemas.OneWebhook:
    """Get one webhook."""
    found = await endpoints.get(request.engine, request.actor, path_id(request), DIALECT)
    return schemas.OneWebhook(success=True, data=render_webhook(found))


@routes.put(WEBHOOK, body=schemas.UpdateWebhook, returns=schemas.OneWebhook, path_types=TYPES)
async def update_webhook(request: Request[schemas.UpdateWebhook, None]) -> schemas.OneWebhook:
    """Change, enable or disable a webhook; a URL of another origin gets a new secret."""
    changes = EndpointChanges(active=request.body.is_active, **_endpoint_fields(request.body))
    endpoint_id = path_id(request)
    changed = await endpoint_changes.change(
        request.engine, request.actor, endpoint_id, changes, DIALECT
    )
    return schemas.OneWebhook(
        success=True, data=render_webhook(changed.endpoint, changed.secret or UNSET)
    )


@routes.delete(WEBHOOK, returns=Deleted, path_types=TYPES)
async def delete_webhook(request: Request[None, None]) -> Deleted:
    """Delete a webhook and its log."""
    await endpoints.remove(request.engine, request.actor, path_id(request), DIALECT)
    return Deleted(success=True, message="Webhook deleted")


@routes.post(f"{WEBHOOK}/test", returns=schemas.Tested, path_types=TYPES, idempotent=False)
async def test_webhook(request: Request[None, None]) -> schemas.Tested:
    """Send a `ping` now and return the result."""
    result = await ping.send_ping(request.engine, request.actor, path_id(request), DIALECT)
    attempt = result.attempt
    outcome = schemas.TestOutcome(
        delivered=result.response_class.outcome == "delivered",
        response_status=attempt.response_status,
        response_body=attempt.response_body,
        error=attempt.error,
        took_ms=attempt.duration_us / 1000,
    )
    return schemas.Tested(success=True, data=outcome)


@routes.get(f"{WEBHOOK}/logs", query=schemas.LogQuery, returns=schemas.Logs, path_types=TYPES)
async def list_logs(request: Request[None, schemas.LogQuery]) -> schemas.Logs:
    """List deliveries, newest event first."""
    status = request.query.status
    states = tuple(state for state, rendered in STATUSES.items() if rendered == status)
    endpoint_id, window = path_id(request), parse_page(request.query)
    found = await deliveries.find_page(
        request.engine, request.actor, endpoint_id, LogFilter(states), window, dialect=DIALECT
    )
    pagination = render_pagination(request.query, found.total or 0)
    page = schemas.LogPage(
        [render_log(each) for each in found.items],
        pagination.total,
        pagination.page,
        pagination.limit,
        pagination.total_pages,
    )
    return schemas.Logs(success=True, data=page)


def _endpoint_fields(body: schemas.CreateWebhook | schemas.UpdateWebhook) -> dict[str, Any]:
    """The fields that a body has, under the engine's names."""
    fields = provided_fields(body)
    fields.pop("is_active", None)
    if "events" in fields:
        fields["kinds"] = tuple(dict.fromkeys(fields.pop("events")))
    policy = fields.pop("retry_policy", None)
    if policy is not None:
        retries = {"max_retries": policy.max_retries, "backoff": policy.backoff_strategy}
        fields |= {name: value for name, value in retries.items() if value is not UNSET}
    return fields
