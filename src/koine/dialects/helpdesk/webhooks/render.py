"""The engine's webhook endpoints and deliveries as this dialect's."""

import msgspec
from msgspec import UNSET, UnsetType

from koine.dialects.helpdesk.webhooks import schemas
from koine.kit.times import iso_ms
from koine.model.webhook import DeliveryState, WebhookDelivery, WebhookEndpoint
from koine.webhooks.retry_policy import RETRIES

STATUSES: dict[DeliveryState, schemas.LogStatus] = {
    "pending": "pending",
    "delivered": "success",
    "failed": "failed",
    "cancelled": "failed",
}
_event_names = msgspec.json.Decoder(list[str])


def render_webhook(h: WebhookEndpoint, secret: str | UnsetType = UNSET) -> schemas.Webhook:
    """One webhook; `secret` only in the response that first shows it."""
    retries = RETRIES if h.max_retries is None else h.max_retries
    return schemas.Webhook(
        id=h.id,
        name=h.name,
        url=h.url,
        events=_event_names.decode(h.kinds),
        secret=secret,
        is_active=h.status == "active",
        inactive_reason=h.reason,
        retry_policy=schemas.RetryPolicy(retries, h.backoff or "exponential"),
        created_at=iso_ms(h.created_at),
        updated_at=iso_ms(h.updated_at),
    )


def render_log(d: WebhookDelivery) -> schemas.Log:
    """One delivery to a webhook."""
    return schemas.Log(
        id=d.event_id,
        event=d.kind,
        status=STATUSES[d.state],
        attempts=d.attempt,
        response_status=d.response_status,
        error=d.error,
        next_attempt_at=iso_ms(d.due_at) if d.state == "pending" else None,
        created_at=iso_ms(d.created_at),
        completed_at=iso_ms(d.finished_at) if d.finished_at is not None else None,
    )
