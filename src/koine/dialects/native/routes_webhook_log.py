"""What was delivered to a webhook, and delivering it again."""

from koine.dialects.native import cursors, shapes_webhooks, values
from koine.dialects.native import wire_webhooks as wires
from koine.dialects.native.routes_webhooks import TAGS, TYPES, WEBHOOK
from koine.engine.webhooks import deliveries
from koine.engine.webhooks.deliveries import LogFilter, Range
from koine.http.request import Request
from koine.http.route import Routes

DELIVERIES = f"{WEBHOOK}/deliveries"
DELIVERY = f"{DELIVERIES}/{{event_id}}"

routes = Routes()


@routes.get(
    DELIVERIES,
    query=wires.DeliveryQuery,
    returns=wires.WebhookDeliveries,
    path_types=TYPES,
    tags=TAGS,
)
async def list_webhook_deliveries(
    call: Request[None, wires.DeliveryQuery],
) -> wires.WebhookDeliveries:
    """List deliveries, newest event first."""
    hook_id, q = values.path_id(call, "webhook_id"), call.query
    wanted = LogFilter(
        states=tuple(q.state or ()),
        kinds=tuple(q.kind or ()),
        since=values.time("since", q.since),
        until=values.time("until", q.until),
    )
    page = await deliveries.page(call.engine, call.actor, hook_id, wanted, cursors.window(q))
    return cursors.shown(wires.WebhookDeliveries, page, shapes_webhooks.delivery)


@routes.get(DELIVERY, returns=wires.ShownDelivery, path_types=TYPES, tags=TAGS)
async def get_webhook_delivery(call: Request[None, None]) -> wires.ShownDelivery:
    """Get one delivery with its tries: what was posted, what was answered."""
    hook_id = values.path_id(call, "webhook_id")
    found = await deliveries.one(call.engine, call.actor, hook_id, call.path["event_id"])
    return shapes_webhooks.shown_delivery(found)


@routes.post(
    f"{DELIVERY}/replay", returns=wires.WebhookDelivery, status=202, path_types=TYPES, tags=TAGS
)
async def replay_delivery(call: Request[None, None]) -> wires.WebhookDelivery:
    """Deliver an event again, under the same id."""
    hook_id = values.path_id(call, "webhook_id")
    again = await deliveries.replay(call.engine, call.actor, hook_id, call.path["event_id"])
    return shapes_webhooks.delivery(again)


@routes.post(
    f"{WEBHOOK}/replay",
    body=wires.Replay,
    returns=wires.Replayed,
    status=202,
    path_types=TYPES,
    tags=TAGS,
)
async def replay_webhook(call: Request[wires.Replay, None]) -> wires.Replayed:
    """Deliver again what happened in a time, whether it was delivered or not."""
    hook_id, body = values.path_id(call, "webhook_id"), call.body
    since, until = values.time("since", body.since), values.time("until", body.until)
    wanted = Range(
        since=since or 0,
        until=call.engine.clock.now() + 1 if until is None else until,
        kinds=tuple(body.kinds),
    )
    queued = await deliveries.replay_range(call.engine, call.actor, hook_id, wanted)
    return wires.Replayed(queued)
