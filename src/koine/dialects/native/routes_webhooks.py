"""Webhooks: who is told by HTTP of what happens."""

from typing import Any

from msgspec import UNSET

from koine.dialects.native import cursors, shapes_webhooks, values, wire
from koine.dialects.native import wire_webhooks as wires
from koine.engine.auth import access
from koine.engine.webhooks import endpoint_changes, endpoints
from koine.engine.webhooks.endpoint_changes import EndpointChanges
from koine.engine.webhooks.endpoints import READ, NewEndpoint
from koine.http.request import Request
from koine.http.route import PathType, Routes
from koine.webhooks import test_delivery

WEBHOOKS = "/v1/webhooks"
WEBHOOK = "/v1/webhooks/{webhook_id}"
TAGS = ("Webhooks",)
TYPES: dict[str, PathType] = {"webhook_id": "uuid"}

routes = Routes()


@routes.get(WEBHOOKS, query=wire.PageQuery, returns=wires.Webhooks, tags=TAGS)
async def list_webhooks(call: Request[None, wire.PageQuery]) -> wires.Webhooks:
    """List webhooks, oldest first."""
    window = cursors.window(call.query)
    everyone = await endpoints.list_all(call.engine, call.actor)
    page = cursors.cut(everyone, window, cursors.creation)
    return cursors.shown(wires.Webhooks, page, shapes_webhooks.webhook)


@routes.post(WEBHOOKS, body=wires.CreateWebhook, returns=wires.MadeWebhook, status=201, tags=TAGS)
async def create_webhook(call: Request[wires.CreateWebhook, None]) -> wires.MadeWebhook:
    """Set a webhook up. The secret is shown this once."""
    given = _given(call.body)
    made = await endpoints.create(call.engine, call.actor, NewEndpoint(**given))
    return shapes_webhooks.made_webhook(made)


@routes.get(f"{WEBHOOKS}/event-kinds", query=wires.KindsQuery, returns=wires.EventKinds, tags=TAGS)
async def list_event_kinds(call: Request[None, wires.KindsQuery]) -> wires.EventKinds:
    """List the events a webhook can ask for."""
    access.require(call.actor, *READ)
    voice = call.engine.webhook_formats.get(call.query.dialect)
    return wires.EventKinds(list(voice.kinds) if voice else [])


@routes.get(WEBHOOK, returns=wires.Webhook, path_types=TYPES, tags=TAGS)
async def get_webhook(call: Request[None, None]) -> wires.Webhook:
    """Get one webhook."""
    found = await endpoints.get(call.engine, call.actor, values.path_id(call, "webhook_id"))
    return shapes_webhooks.webhook(found)


@routes.patch(
    WEBHOOK, body=wires.ChangeWebhook, returns=wires.ChangedWebhook, path_types=TYPES, tags=TAGS
)
async def change_webhook(call: Request[wires.ChangeWebhook, None]) -> wires.ChangedWebhook:
    """Change a webhook, or switch it on again, or off. A new origin has a new secret."""
    hook_id = values.path_id(call, "webhook_id")
    given = _given(call.body)
    if "status" in given:
        given["active"] = given.pop("status") == "active"
    changed = await endpoint_changes.change(
        call.engine, call.actor, hook_id, EndpointChanges(**given)
    )
    return shapes_webhooks.changed_webhook(changed)


@routes.delete(WEBHOOK, status=204, path_types=TYPES, tags=TAGS)
async def remove_webhook(call: Request[None, None]) -> None:
    """Take a webhook away, with what is on its way and its log."""
    await endpoints.remove(call.engine, call.actor, values.path_id(call, "webhook_id"))


@routes.post(
    f"{WEBHOOK}/rotate",
    body=wires.RotateSecret,
    returns=wires.MadeWebhook,
    path_types=TYPES,
    tags=TAGS,
)
async def rotate_secret(call: Request[wires.RotateSecret, None]) -> wires.MadeWebhook:
    """Make a new secret, shown this once. Until the overlap is over both sign."""
    hook_id, engine = values.path_id(call, "webhook_id"), call.engine
    made = await endpoints.rotate(
        engine, call.actor, engine.encryption, hook_id, call.body.overlap_hours
    )
    return shapes_webhooks.made_webhook(made)


@routes.post(
    f"{WEBHOOK}/test", returns=wires.PingOutcome, path_types=TYPES, idempotent=False, tags=TAGS
)
async def test_webhook(call: Request[None, None]) -> wires.PingOutcome:
    """Post a `ping` now, and say what came of it."""
    hook_id = values.path_id(call, "webhook_id")
    return shapes_webhooks.ping(await test_delivery.send_ping(call.engine, call.actor, hook_id))


def _given(body: wires.CreateWebhook | wires.ChangeWebhook) -> dict[str, Any]:
    """The fields a body has, by the engine's names."""
    given = values.changed_fields(body, ids=("inbox_id",))
    if "events" in given:
        given["kinds"] = tuple(dict.fromkeys(given.pop("events")))
    policy = given.pop("retry_policy", UNSET)
    if policy is not UNSET:
        none = {"max_retries": None, "backoff": None}
        given |= none if policy is None else values.changed_fields(policy)
    return given
