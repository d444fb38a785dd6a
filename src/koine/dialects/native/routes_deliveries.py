"""The deliveries conversations are about."""

from typing import Any

from koine.dialects.native import cursors, shapes, values, wire, wire_setup
from koine.engine import deliveries
from koine.engine.deliveries import DeliveryInput
from koine.http.request import Request, Response
from koine.http.route import Routes
from koine.model.errors import Invalid

DELIVERIES = "/v1/deliveries"
TAGS = ("Deliveries",)
OF_ONE = "deliveries.0."
"""How the engine names the fields of the only delivery of a call."""

routes = Routes()


@routes.get(DELIVERIES, query=wire.PageQuery, returns=wire_setup.Deliveries, tags=TAGS)
async def list_deliveries(call: Request[None, wire.PageQuery]) -> wire_setup.Deliveries:
    """List deliveries, oldest first."""
    page = await deliveries.page(call.engine, call.actor, cursors.window(call.query))
    return cursors.shown(wire_setup.Deliveries, page, shapes.delivery)


@routes.post(
    DELIVERIES,
    body=wire_setup.SaveDelivery,
    returns=wire_setup.Delivery,
    status=201,
    other_statuses=(200,),
    tags=TAGS,
)
async def save_delivery(call: Request[wire_setup.SaveDelivery, None]) -> Response:
    """Make a delivery (201), or change the one with this id or external reference (200)."""
    try:
        (saved,) = await deliveries.save(call.engine, call.actor, [_input(call.body)])
    except Invalid as refusal:
        field = refusal.field.removeprefix(OF_ONE)
        raise Invalid(field, refusal.reason, refusal.message.removeprefix(OF_ONE)) from None
    return Response(shapes.delivery(saved.delivery), 201 if saved.is_new else 200)


@routes.post(
    DELIVERIES + "/bulk", body=wire_setup.SaveDeliveries, returns=wire_setup.Deliveries, tags=TAGS
)
async def save_deliveries(call: Request[wire_setup.SaveDeliveries, None]) -> wire_setup.Deliveries:
    """Make or change up to 500 deliveries, all or none; answered in the order given."""
    given = [_input(each, f"deliveries.{n}.") for n, each in enumerate(call.body.deliveries)]
    saved = await deliveries.save(call.engine, call.actor, given)
    return wire_setup.Deliveries([shapes.delivery(each.delivery) for each in saved], None)


@routes.get(
    DELIVERIES + "/{delivery_id}",
    returns=wire_setup.Delivery,
    path_types={"delivery_id": "uuid"},
    tags=TAGS,
)
async def get_delivery(call: Request[None, None]) -> wire_setup.Delivery:
    """Get one delivery."""
    delivery_id = values.path_id(call, "delivery_id")
    return shapes.delivery(await deliveries.get(call.engine, call.actor, delivery_id))


def _input(body: wire_setup.SaveDelivery, before: str = "") -> DeliveryInput:
    given: dict[str, Any] = values.changed_fields(body)
    for name in ("id", "customer_id", "driver_id"):
        if name in given:
            given[name] = values.optional_id(before + name, given[name])
    return DeliveryInput(**given)
