"""One attempt: the HTTP request of a delivery, and what is kept of it."""

import structlog
from msgspec import Struct

from koine.engine.core.engine import Engine
from koine.kit import metrics, tracing
from koine.kit.json import json_text
from koine.kit.outbound import Blocked, Request, RequestFailed, Response
from koine.model.webhook import Attempt
from koine.webhooks.attempt_context import log_context_of
from koine.webhooks.payloads import KeysUnreadable, OutgoingDelivery, PayloadBuilder
from koine.webhooks.response import ResponseClass, classify

MAX_SAVED_REQUEST = 16 * 1024
MAX_SAVED_RESPONSE = 4 * 1024
KEPT_HEADERS, KEPT_VALUE = 40, 200
REDACTED = "…"
INTERNAL_ERROR = "the server could not send the request; its log has the error"
_log = structlog.get_logger("koine.webhooks")
_PLAIN = frozenset({"content-type", "webhook-id", "webhook-timestamp"})


class AttemptResult(Struct, frozen=True):
    """How an attempt went."""

    response_class: ResponseClass
    attempt: Attempt


async def post(
    engine: Engine, builder: PayloadBuilder, delivery: OutgoingDelivery
) -> AttemptResult:
    """Send a request and wait for the response, within the limits of the outbound client. Never
    raises."""
    claim, endpoint, at = delivery.claim, delivery.endpoint, engine.clock.now()
    headers: dict[str, str] = {}
    response: Response | None = None
    try:
        headers, _ = builder.signed(endpoint, claim.event_id, delivery.body)
        about = log_context_of(claim).log_context()
        with tracing.span("post webhook", attempt=claim.lease_version, **about):
            tracing.inject(headers)
            request = Request("POST", endpoint.url, headers, delivery.body)
            response = await engine.outbound.send(request)
        response_class = classify(response, engine.clock.now())
    except Blocked as refused:
        response_class = ResponseClass("refused", refused.reason)
    except RequestFailed as failed:
        response_class = ResponseClass("retry", failed.reason)
    except KeysUnreadable as unreadable:
        response_class = ResponseClass("retry", unreadable.reason)
    except Exception:
        # Raised to the dispatcher, it would leave the delivery counted as in flight for ever.
        _log.error("a webhook could not be sent", exc_info=True)
        response_class = ResponseClass("retry", INTERNAL_ERROR)
    metrics.WEBHOOK_ATTEMPTS.labels(response_class.outcome).inc()
    attempt = Attempt(
        endpoint_id=claim.endpoint.endpoint_id,
        position=claim.position,
        number=claim.lease_version,
        started_at=at,
        url=endpoint.url,
        headers=_redacted(headers),
        body=delivery.body[:MAX_SAVED_REQUEST].decode(errors="replace"),
        response_status=response.status if response else None,
        response_headers=_text(response.headers) if response else None,
        response_body=_cut(response.body) if response else None,
        error=response_class.reason,
        duration_us=response.duration_us if response else 0,
    )
    return AttemptResult(response_class, attempt)


def _redacted(headers: dict[str, str]) -> str:
    """The headers, without the values of those that sign or authenticate."""
    return _text({n: v if n.lower() in _PLAIN else REDACTED for n, v in headers.items()})


def _text(headers: dict[str, str]) -> str:
    kept = list(headers.items())[:KEPT_HEADERS]
    return json_text({name: value[:KEPT_VALUE] for name, value in kept})


def _cut(body: bytes) -> str:
    return body[:MAX_SAVED_RESPONSE].decode(errors="replace").replace("\0", "")
