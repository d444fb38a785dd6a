"""The types of inboxes."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from koine.dialects.native.schemas import Id, JsonObject, Name, RenderedObject
from koine.engine.contacts.hmac_tokens import MAX_OVERLAP_HOURS, OLD_TOKEN_HOURS
from koine.model.inbox import ChannelType


class CreateInbox(Struct, frozen=True, kw_only=True):
    """A new inbox."""

    name: Name
    channel_type: ChannelType = "api"
    responder_id: Id | None = None
    identity_required: bool = False
    single_conversation: bool = False
    settings: JsonObject = {}


class ChangeInbox(Struct, frozen=True, kw_only=True):
    """What to change of an inbox; what is left out stays, `settings` are put in place whole."""

    name: Name | UnsetType = UNSET
    responder_id: Id | UnsetType | None = UNSET
    identity_required: bool | UnsetType = UNSET
    single_conversation: bool | UnsetType = UNSET
    settings: JsonObject | UnsetType = UNSET


class RotateHmacToken(Struct, frozen=True):
    """For how many hours identity hashes by the old token are valid, too."""

    overlap_hours: Annotated[int, Meta(ge=0, le=MAX_OVERLAP_HOURS)] = OLD_TOKEN_HOURS


class Inbox(Struct, frozen=True):
    """An inbox. Its public `identifier` and its `hmac_token` are shown to those who manage it.
    `old_hmac_token_until`: until then the token before the last rotation is valid, too."""

    id: str
    number: int
    name: str
    channel_type: ChannelType
    identifier: str | None
    hmac_token: str | None
    old_hmac_token_until: str | None
    identity_required: bool
    single_conversation: bool
    responder_id: str | None
    settings: RenderedObject
    created_at: str
    updated_at: str


class Inboxes(Struct, frozen=True):
    """A page of inboxes, oldest first."""

    data: list[Inbox]
    next_cursor: str | None
