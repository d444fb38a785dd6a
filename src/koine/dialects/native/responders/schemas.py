"""The types of responders and their versions."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from koine.dialects.native.schemas import JsonObject, Link, PageQuery, RenderedObject
from koine.model.filters import Search
from koine.model.identity import ResponderKind


class ResponderQuery(PageQuery, frozen=True, kw_only=True):
    """Responders of these kinds, whose name has the text."""

    kind: list[ResponderKind] | None = None
    search: Search | None = None


class CreateResponder(Struct, frozen=True, kw_only=True):
    """A new responder, with its first version's settings."""

    name: Annotated[str, Meta(min_length=3, max_length=50)]
    kind: ResponderKind = "agent"
    avatar_url: Link | None = None
    settings: JsonObject = {}


class ChangeResponder(Struct, frozen=True, kw_only=True):
    """What to change of a responder; new settings are a new version."""

    name: Annotated[str, Meta(min_length=3, max_length=50)] | UnsetType = UNSET
    avatar_url: Link | UnsetType | None = UNSET


class AddVersion(Struct, frozen=True):
    """The settings of a responder's next version."""

    settings: JsonObject


class Version(Struct, frozen=True):
    """A numbered version of a responder."""

    id: str
    responder_id: str
    number: int
    settings: RenderedObject
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
