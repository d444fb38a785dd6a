"""Records a webhook as delivered before the request is sent, as a queue that deletes a job when it
is claimed."""

from koine.engine.core.engine import Engine
from koine.model.webhook import Result
from koine.store.webhooks import delivery_queue
from koine.webhooks import attempt, dispatcher
from koine.webhooks.attempt import AttemptResult
from koine.webhooks.payloads import OutgoingDelivery, PayloadBuilder
from koine.webhooks.response import ResponseClass


async def post(
    engine: Engine, builder: PayloadBuilder, delivery: OutgoingDelivery
) -> AttemptResult:
    """Record success first, whatever the request results in."""
    claim, now = delivery.claim, engine.clock.now()
    result = Result(
        endpoint=claim.endpoint,
        position=claim.position,
        lease_version=claim.lease_version,
        state="delivered",
        attempt=claim.attempt + 1,
        due_at=now,
        finished_at=now,
    )
    await engine.db.write("", delivery_queue.record_results, [result], [])
    outcome = await attempt.post(engine, builder, delivery)
    return AttemptResult(ResponseClass("delivered"), outcome.attempt)


vars(dispatcher)["post"] = post
