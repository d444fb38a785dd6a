"""What becomes of a claim in each case. Pure."""

from koine.model.webhook import Claim, DeliveryState, Result
from koine.webhooks.attempt import AttemptResult
from koine.webhooks.payloads import OutgoingDelivery
from koine.webhooks.retry_policy import wait_us


def posted(letter: OutgoingDelivery, how: AttemptResult, now: int, chance: float) -> Result:
    """After a post: delivered, to be tried again, or failed for good. `chance` is from 0 to 1."""
    claim, verdict, hook = letter.claim, how.verdict, letter.hook
    tried, wait = claim.attempt + 1, 0
    if verdict.outcome == "retry":
        wait = wait_us(tried, hook.backoff, hook.max_retries, chance)
    state: DeliveryState = "pending"
    if not wait:
        state = "delivered" if verdict.outcome == "delivered" else "failed"
    return Result(
        endpoint=claim.endpoint,
        position=claim.position,
        lease_version=claim.lease_version,
        state=state,
        attempt=tried,
        due_at=max(now + wait, verdict.not_before) if wait else now,
        response_status=how.attempt.response_status,
        error=verdict.reason,
        finished_at=None if wait else now,
    )


def cancelled(claim: Claim, why: str, now: int) -> Result:
    """There is nothing to tell any more."""
    return _untried(claim, "cancelled", why, now)


def released(claim: Claim, now: int) -> Result:
    """It was not tried after all: it is due at once, for whoever claims it next."""
    return _untried(claim, "pending", None, now)


def _untried(claim: Claim, state: DeliveryState, why: str | None, now: int) -> Result:
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
