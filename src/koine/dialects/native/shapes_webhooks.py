"""Webhooks as the wire shows them. Pure."""

from typing import cast

import msgspec
from msgspec import UNSET

from koine.dialects.native import wire_webhooks as wire
from koine.dialects.native.values import shown_time
from koine.engine.webhooks.endpoint_changes import ChangedEndpoint
from koine.engine.webhooks.endpoints import CreatedEndpoint
from koine.kit.times import iso_ms
from koine.model.webhook import Attempt, DeliveryDetail, WebhookDelivery, WebhookEndpoint
from koine.webhooks.attempt import AttemptResult
from koine.webhooks.retry_policy import RETRIES

_words = msgspec.json.Decoder(list[str])
_headers = msgspec.json.Decoder(dict[str, str])


def webhook(h: WebhookEndpoint) -> wire.Webhook:
    """An endpoint without its secret and headers."""
    return wire.Webhook(
        id=h.id,
        name=h.name,
        url=h.url,
        dialect=cast(wire.WebhookDialect, h.dialect),
        inbox_id=h.inbox_id,
        events=_words.decode(h.kinds),
        retry_policy=_policy(h),
        status=h.status,
        reason=h.reason,
        failures=h.failures,
        failing_since=shown_time(h.failing_since),
        paused_until=shown_time(h.open_until),
        created_by=h.created_by,
        owner_user_id=h.reads_as,
        owner_key_id=h.owner_key_id,
        created_at=iso_ms(h.created_at),
        updated_at=iso_ms(h.updated_at),
    )


def made_webhook(made: CreatedEndpoint) -> wire.MadeWebhook:
    """An endpoint with its secret."""
    shown = msgspec.structs.asdict(webhook(made.hook))
    return wire.MadeWebhook(**shown, secret=made.secret)


def changed_webhook(changed: ChangedEndpoint) -> wire.ChangedWebhook:
    """An endpoint, with its secret if it got a new one."""
    shown = msgspec.structs.asdict(webhook(changed.hook))
    secret = UNSET if changed.secret is None else changed.secret
    return wire.ChangedWebhook(**shown, secret=secret)


def delivery(d: WebhookDelivery) -> wire.WebhookDelivery:
    """An event on its way."""
    return wire.WebhookDelivery(
        id=d.event_id,
        webhook_id=d.hook_id,
        kind=d.kind,
        conversation_id=d.conversation_id,
        state=d.state,
        attempts=d.attempt,
        next_attempt_at=iso_ms(d.due_at) if d.state == "pending" else None,
        status=d.answered,
        error=d.error,
        happened_at=iso_ms(d.event_at),
        created_at=iso_ms(d.created_at),
        finished_at=shown_time(d.finished_at),
    )


def shown_delivery(found: DeliveryDetail) -> wire.ShownDelivery:
    """An event on its way with the tries so far."""
    shown = msgspec.structs.asdict(delivery(found.delivery))
    return wire.ShownDelivery(**shown, tries=[attempt(each) for each in found.attempts])


def attempt(a: Attempt) -> wire.Try:
    """One try."""
    answer = None
    if a.answered is not None:
        answer = wire.Answered(a.answered, _headers.decode(a.answer_headers or "{}"), a.answer_body)
    return wire.Try(
        number=a.number,
        at=iso_ms(a.at),
        took_ms=a.took_us / 1000,
        request=wire.Posted(a.url, _headers.decode(a.headers), a.body),
        answer=answer,
        error=a.error,
    )


def ping(posted: AttemptResult) -> wire.PingOutcome:
    """What came of a ping."""
    return wire.PingOutcome(posted.verdict.outcome == "delivered", attempt(posted.attempt))


def _policy(h: WebhookEndpoint) -> wire.RetryPolicy | None:
    if h.backoff is None:
        return None
    return wire.RetryPolicy(RETRIES if h.max_retries is None else h.max_retries, h.backoff)
