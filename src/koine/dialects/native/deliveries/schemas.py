"""The types of deliveries."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from koine.dialects.native.schemas import Id, Name


class SaveDelivery(Struct, frozen=True, kw_only=True):
    """A delivery to make, or to change when `id` or `external_reference_id` is known; what is left
    out stays. A new one needs a customer."""

    id: Id | None = None
    external_reference_id: Name | UnsetType | None = UNSET
    delivery_code: Name | UnsetType = UNSET
    customer_id: Id | UnsetType = UNSET
    driver_id: Id | UnsetType | None = UNSET
    status: Name | UnsetType = UNSET


class SaveDeliveries(Struct, frozen=True):
    """Up to 500 deliveries, all saved or none."""

    deliveries: Annotated[list[SaveDelivery], Meta(min_length=1, max_length=500)]


class Delivery(Struct, frozen=True):
    """A delivery, as far as messaging needs it."""

    id: str
    external_reference_id: str | None
    delivery_code: str
    customer_id: str
    driver_id: str | None
    status: str
    created_at: str
    updated_at: str


class Deliveries(Struct, frozen=True):
    """A page of deliveries, oldest first."""

    data: list[Delivery]
    next_cursor: str | None
