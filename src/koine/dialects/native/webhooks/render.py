"""From the engine's endpoints, deliveries and attempts to those of the API. Pure."""

from typing import cast

import msgspec
from msgspec import UNSET

from koine.dialects.native import fields
from koine.dialects.native.webhooks import schemas
from koine.engine.webhooks.endpoint_changes import ChangedEndpoint
from koine.engine.webhooks.endpoints import CreatedEndpoint
from koine.kit.times import iso_ms
from koine.model.webhook import Attempt, DeliveryDetail, WebhookDelivery, WebhookEndpoint
from koine.webhooks.attempt import AttemptResult
from koine.webhooks.retry_policy import RETRIES

_strings = msgspec.json.Decoder(list[str])
_headers = msgspec.json.Decoder(dict[str, str])


def render_webhook(h: WebhookEndpoint) -> schemas.Webhook:
    """An endpoint without its secret and headers."""
    return schemas.Webhook(
        id=h.id,
        name=h.name,
        url=h.url,
        dialect=cast(schemas.WebhookDialect, h.dialect),
        inbox_id=h.inbox_id,
        events=_strings.decode(h.kinds),
        retry_policy=_policy(h),
        status=h.status,
        reason=h.reason,
        failures=h.failures,
        failing_since=fields.render_time(h.failing_since),
        paused_until=fields.render_time(h.open_until),
        created_by=h.created_by,
        owner_user_id=h.acts_as_user_id,
        owner_key_id=h.owner_key_id,
        created_at=iso_ms(h.created_at),
        updated_at=iso_ms(h.updated_at),
    )


def render_created_webhook(made: CreatedEndpoint) -> schemas.CreatedWebhook:
    """An endpoint with its secret."""
    shown = msgspec.structs.asdict(render_webhook(made.endpoint))
    return schemas.CreatedWebhook(**shown, secret=made.secret)


def render_changed_webhook(changed: ChangedEndpoint) -> schemas.ChangedWebhook:
    """An endpoint, with its secret if it has a new one."""
    shown = msgspec.structs.asdict(render_webhook(changed.endpoint))
    secret = UNSET if changed.secret is None else changed.secret
    return schemas.ChangedWebhook(**shown, secret=secret)


def render_delivery(d: WebhookDelivery) -> schemas.WebhookDelivery:
    """A delivery, without its attempts."""
    return schemas.WebhookDelivery(
        id=d.event_id,
        webhook_id=d.endpoint_id,
        kind=d.kind,
        conversation_id=d.conversation_id,
        state=d.state,
        attempts=d.attempt,
        next_attempt_at=iso_ms(d.due_at) if d.state == "pending" else None,
        status=d.response_status,
        error=d.error,
        happened_at=iso_ms(d.event_at),
        created_at=iso_ms(d.created_at),
        finished_at=fields.render_time(d.finished_at),
        request_id=d.request_id,
    )


def render_delivery_detail(found: DeliveryDetail) -> schemas.WebhookDeliveryDetail:
    """A delivery with its attempts so far."""
    shown = msgspec.structs.asdict(render_delivery(found.delivery))
    return schemas.WebhookDeliveryDetail(
        **shown, tries=[render_attempt(each) for each in found.attempts]
    )


def render_attempt(a: Attempt) -> schemas.Attempt:
    """One attempt."""
    answer = None
    if a.response_status is not None:
        answer = schemas.AttemptResponse(
            a.response_status, _headers.decode(a.response_headers or "{}"), a.response_body
        )
    return schemas.Attempt(
        number=a.number,
        at=iso_ms(a.started_at),
        took_ms=a.duration_us / 1000,
        request=schemas.AttemptRequest(a.url, _headers.decode(a.headers), a.body),
        answer=answer,
        error=a.error,
    )


def render_ping(result: AttemptResult) -> schemas.PingResult:
    """The result of a test delivery."""
    return schemas.PingResult(
        result.response_class.outcome == "delivered", render_attempt(result.attempt)
    )


def _policy(h: WebhookEndpoint) -> schemas.RetryPolicy | None:
    if h.backoff is None:
        return None
    return schemas.RetryPolicy(RETRIES if h.max_retries is None else h.max_retries, h.backoff)
