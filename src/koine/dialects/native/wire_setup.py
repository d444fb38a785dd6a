"""What goes over the wire about inboxes, responders and deliveries."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from koine.dialects.native.wire import Bag, Id, Link, Name, PageQuery, ShownBag
from koine.model.filters import Search
from koine.model.identity import ResponderKind
from koine.model.inbox import ChannelType


class CreateInbox(Struct, frozen=True, kw_only=True):
    """A new inbox."""

    name: Name
    channel_type: ChannelType = "api"
    responder_id: Id | None = None
    identity_required: bool = False
    single_conversation: bool = False
    settings: Bag = {}


class ChangeInbox(Struct, frozen=True, kw_only=True):
    """What to change of an inbox; what is left out stays, `settings` are put in place whole."""

    name: Name | UnsetType = UNSET
    responder_id: Id | UnsetType | None = UNSET
    identity_required: bool | UnsetType = UNSET
    single_conversation: bool | UnsetType = UNSET
    settings: Bag | UnsetType = UNSET


class Inbox(Struct, frozen=True):
    """An inbox. Its public `identifier` and its `hmac_token` are shown to those who manage it."""

    id: str
    number: int
    name: str
    channel_type: ChannelType
    identifier: str | None
    hmac_token: str | None
    identity_required: bool
    single_conversation: bool
    responder_id: str | None
    settings: ShownBag
    created_at: str
    updated_at: str


class Inboxes(Struct, frozen=True):
    """A page of inboxes, oldest first."""

    data: list[Inbox]
    next_cursor: str | None


class ResponderQuery(PageQuery, frozen=True, kw_only=True):
    """Responders of these kinds, whose name has the text."""

    kind: list[ResponderKind] | None = None
    search: Search | None = None


class CreateResponder(Struct, frozen=True, kw_only=True):
    """A new responder, with its first version's settings."""

    name: Annotated[str, Meta(min_length=3, max_length=50)]
    kind: ResponderKind = "agent"
    avatar_url: Link | None = None
    settings: Bag = {}


class ChangeResponder(Struct, frozen=True, kw_only=True):
    """What to change of a responder; new settings are a new version."""

    name: Annotated[str, Meta(min_length=3, max_length=50)] | UnsetType = UNSET
    avatar_url: Link | UnsetType | None = UNSET


class AddVersion(Struct, frozen=True):
    """The settings of a responder's next version."""

    settings: Bag


class Version(Struct, frozen=True):
    """A numbered version of a responder."""

    id: str
    responder_id: str
    number: int
    settings: ShownBag
    created_at: str


class Versions(Struct, frozen=True):
    """A page of versions, oldest first."""

    data: list[Version]
    next_cursor: str | None


class Responder(Struct, frozen=True):
    """An agent, squad or workflow that answers."""

    id: str
    number: int
    kind: ResponderKind
    name: str | None
    avatar_url: str | None
    created_at: str
    updated_at: str


class Responders(Struct, frozen=True):
    """A page of responders, oldest first."""

    data: list[Responder]
    next_cursor: str | None


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
