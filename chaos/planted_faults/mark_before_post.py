"""Writes down that a webhook was delivered, and posts it then, as a queue that forgets what it
hands out."""

from koine.engine.core.context import Engine
from koine.model.webhook import Result
from koine.store.webhooks import delivery_queue
from koine.webhooks import attempt as posts
from koine.webhooks import dispatcher
from koine.webhooks.attempt import AttemptResult
from koine.webhooks.payloads import OutgoingDelivery, PayloadBuilder
from koine.webhooks.response import ResponseClass


async def post(engine: Engine, desk: PayloadBuilder, letter: OutgoingDelivery) -> AttemptResult:
    """Whatever comes of it, it is marked already."""
    claim, now = letter.claim, engine.clock.now()
    done = Result(
        endpoint=claim.endpoint,
        position=claim.position,
        lease_version=claim.lease_version,
        state="delivered",
        attempt=claim.attempt + 1,
        due_at=now,
        finished_at=now,
    )
    await engine.db.write("", delivery_queue.record_results, [done], [])
    posted = await posts.post(engine, desk, letter)
    return AttemptResult(ResponseClass("delivered"), posted.attempt)


vars(dispatcher)["post"] = post
