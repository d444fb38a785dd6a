"""One post of a webhook, and what is kept of it."""

import structlog
from msgspec import Struct

from koine.engine.core.context import Engine
from koine.kit import metrics, tracing
from koine.kit.json import json_text
from koine.kit.outbound import Blocked, Request, RequestFailed, Response
from koine.model.webhook import Attempt
from koine.webhooks.payloads import SECRET_UNREADABLE, OutgoingDelivery, PayloadBuilder
from koine.webhooks.response import ResponseClass, classify

MAX_SAVED_REQUEST = 16 * 1024
MAX_SAVED_RESPONSE = 4 * 1024
KEPT_HEADERS, KEPT_VALUE = 40, 200
REDACTED = "…"
INTERNAL_ERROR = "the server could not post it; its own log says why"
_log = structlog.get_logger("koine.webhooks")
_PLAIN = frozenset({"content-type", "webhook-id", "webhook-timestamp"})


class AttemptResult(Struct, frozen=True):
    """How a post went."""

    verdict: ResponseClass
    attempt: Attempt


async def post(engine: Engine, desk: PayloadBuilder, letter: OutgoingDelivery) -> AttemptResult:
    """Post a letter and wait for the answer, within the outbound client's limits. Never raises."""
    claim, hook, at = letter.claim, letter.hook, engine.clock.now()
    headers: dict[str, str] = {}
    reply: Response | None = None
    try:
        headers, _ = desk.signed(hook, claim.event_id, letter.body)
        with tracing.span("post webhook", event_id=claim.event_id, attempt=claim.lease_version):
            tracing.inject(headers)
            reply = await engine.outbound.send(Request("POST", hook.url, headers, letter.body))
        verdict = classify(reply, engine.clock.now())
    except Blocked as refused:
        verdict = ResponseClass("refused", refused.reason)
    except RequestFailed as failed:
        verdict = ResponseClass("retry", failed.reason)
    except ValueError:
        verdict = ResponseClass("retry", SECRET_UNREADABLE)
    except Exception:
        # Raised from here, it would cost the sender one of its hands for good.
        _log.error("a webhook could not be posted", event_id=claim.event_id, exc_info=True)
        verdict = ResponseClass("retry", INTERNAL_ERROR)
    metrics.WEBHOOK_ATTEMPTS.labels(verdict.outcome).inc()
    attempt = Attempt(
        endpoint_id=claim.endpoint.endpoint_id,
        position=claim.position,
        number=claim.lease_version,
        started_at=at,
        url=hook.url,
        headers=_shown(headers),
        body=letter.body[:MAX_SAVED_REQUEST].decode(errors="replace"),
        response_status=reply.status if reply else None,
        response_headers=_text(reply.headers) if reply else None,
        response_body=_cut(reply.body) if reply else None,
        error=verdict.reason,
        duration_us=reply.duration_us if reply else 0,
    )
    return AttemptResult(verdict, attempt)


def _shown(headers: dict[str, str]) -> str:
    """The headers without what signs or opens anything."""
    return _text({n: v if n.lower() in _PLAIN else REDACTED for n, v in headers.items()})


def _text(headers: dict[str, str]) -> str:
    kept = list(headers.items())[:KEPT_HEADERS]
    return json_text({name: value[:KEPT_VALUE] for name, value in kept})


def _cut(body: bytes) -> str:
    return body[:MAX_SAVED_RESPONSE].decode(errors="replace").replace("\0", "")
