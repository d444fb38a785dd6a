"""Deliveries of goods, as far as conversations need them (delivery.md)."""

from msgspec import Struct


class Delivery(Struct, frozen=True):
    """One delivery. `external_reference_id` is unique in the tenant when given."""

    id: str
    external_reference_id: str | None
    delivery_code: str
    customer_id: str
    driver_id: str | None
    status: str
    created_at: int
    updated_at: int
