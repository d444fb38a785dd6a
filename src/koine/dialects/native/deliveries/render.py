"""From the engine's delivery to that of the API. Pure."""

from koine.dialects.native.deliveries import schemas
from koine.kit.times import iso_ms
from koine.model.delivery import Delivery


def render_delivery(d: Delivery) -> schemas.Delivery:
    """A delivery."""
    return schemas.Delivery(
        id=d.id,
        external_reference_id=d.external_reference_id,
        delivery_code=d.delivery_code,
        customer_id=d.customer_id,
        driver_id=d.driver_id,
        status=d.status,
        created_at=iso_ms(d.created_at),
        updated_at=iso_ms(d.updated_at),
    )
