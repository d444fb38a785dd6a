"""The deliveries of goods that conversations are about."""

from typing import Any

from koine.dialects.native import fields, pagination
from koine.dialects.native.deliveries import schemas
from koine.dialects.native.deliveries.render import render_delivery
from koine.dialects.native.schemas import PageQuery
from koine.engine import deliveries
from koine.engine.deliveries import DeliveryInput
from koine.http.request import Request, Response
from koine.http.route import Routes
from koine.model.errors import Invalid

DELIVERIES = "/v1/deliveries"
TAGS = ("Deliveries",)
SINGLE_PREFIX = "deliveries.0."
"""The prefix of field names in the engine's refusals, which number the deliveries of a call."""

routes = Routes()


@routes.get(DELIVERIES, query=PageQuery, returns=schemas.Deliveries, tags=TAGS)
async def list_deliveries(request: Request[None, PageQuery]) -> schemas.Deliveries:
    """List deliveries, oldest first."""
    page = await deliveries.find_page(
        request.engine, request.actor, pagination.parse_window(request.query)
    )
    return pagination.render_page(schemas.Deliveries, page, render_delivery)


@routes.post(
    DELIVERIES,
    body=schemas.SaveDelivery,
    returns=schemas.Delivery,
    status=201,
    other_statuses=(200,),
    tags=TAGS,
)
async def save_delivery(request: Request[schemas.SaveDelivery, None]) -> Response:
    """Make a delivery (201), or change the one with this id or external reference (200)."""
    try:
        (saved,) = await deliveries.save(request.engine, request.actor, [_input(request.body)])
    except Invalid as refusal:
        field = refusal.field.removeprefix(SINGLE_PREFIX)
        raise Invalid(field, refusal.reason, refusal.message.removeprefix(SINGLE_PREFIX)) from None
    return Response(render_delivery(saved.delivery), 201 if saved.is_new else 200)


@routes.post(
    DELIVERIES + "/bulk", body=schemas.SaveDeliveries, returns=schemas.Deliveries, tags=TAGS
)
async def save_deliveries(request: Request[schemas.SaveDeliveries, None]) -> schemas.Deliveries:
    """Make or change up to 500 deliveries, all or none; answered in the order given."""
    given = [_input(each, f"deliveries.{n}.") for n, each in enumerate(request.body.deliveries)]
    saved = await deliveries.save(request.engine, request.actor, given)
    return schemas.Deliveries([render_delivery(each.delivery) for each in saved], None)


@routes.get(
    DELIVERIES + "/{delivery_id}",
    returns=schemas.Delivery,
    path_types={"delivery_id": "uuid"},
    tags=TAGS,
)
async def get_delivery(request: Request[None, None]) -> schemas.Delivery:
    """Get one delivery."""
    delivery_id = fields.path_id(request, "delivery_id")
    return render_delivery(await deliveries.get(request.engine, request.actor, delivery_id))


def _input(body: schemas.SaveDelivery, prefix: str = "") -> DeliveryInput:
    given: dict[str, Any] = fields.provided_fields(body)
    for name in ("id", "customer_id", "driver_id"):
        if name in given:
            given[name] = fields.parse_optional_id(prefix + name, given[name])
    return DeliveryInput(**given)
