"""The result of a claim in each case. Pure."""

from koine.model.webhook import Claim, DeliveryState, Result
from koine.webhooks.attempt import AttemptResult
from koine.webhooks.payloads import OutgoingDelivery
from koine.webhooks.retry_policy import wait_us


def posted(delivery: OutgoingDelivery, attempted: AttemptResult, now: int, chance: float) -> Result:
    """After an attempt: delivered, to be retried, or failed for good. `chance` is from 0 to 1."""
    claim, response_class, endpoint = delivery.claim, attempted.response_class, delivery.endpoint
    attempts, wait = claim.attempt + 1, 0
    if response_class.outcome == "retry":
        wait = wait_us(attempts, endpoint.backoff, endpoint.max_retries, chance)
    state: DeliveryState = "pending"
    if not wait:
        state = "delivered" if response_class.outcome == "delivered" else "failed"
    return Result(
        endpoint=claim.endpoint,
        position=claim.position,
        lease_version=claim.lease_version,
        state=state,
        attempt=attempts,
        due_at=max(now + wait, response_class.not_before) if wait else now,
        response_status=attempted.attempt.response_status,
        error=response_class.reason,
        finished_at=None if wait else now,
    )


def cancelled(claim: Claim, why: str, now: int) -> Result:
    """There is nothing to send any more."""
    return _not_attempted(claim, "cancelled", why, now)


def released(claim: Claim, now: int) -> Result:
    """It was not attempted: it is due at once, for the next claim of any node."""
    return _not_attempted(claim, "pending", None, now)


def _not_attempted(claim: Claim, state: DeliveryState, why: str | None, now: int) -> Result:
    return Result(
        endpoint=claim.endpoint,
        position=claim.position,
        lease_version=claim.lease_version,
        state=state,
        attempt=claim.attempt,
        due_at=now,
        error=why,
        finished_at=None if state == "pending" else now,
    )
