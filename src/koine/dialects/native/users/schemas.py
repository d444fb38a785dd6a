"""The types of users."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from koine.dialects.native.schemas import (
    Email,
    JsonObject,
    Link,
    Name,
    PageQuery,
    Password,
    RenderedObject,
    RenderedStrings,
)
from koine.model.filters import Search
from koine.model.permissions import Role


class User(Struct, frozen=True):
    """A user of the tenant. `permissions` are those beyond what the role holds."""

    id: str
    number: int
    name: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    avatar_url: str | None
    role: Role | None
    permissions: RenderedStrings
    blocked: bool
    custom_attributes: RenderedObject
    created_at: str
    updated_at: str


Permissions = Annotated[list[str], Meta(max_length=100)]


class UserQuery(PageQuery, frozen=True, kw_only=True):
    """Users whose name, e-mail or phone has the text, of these roles."""

    search: Search | None = None
    role: list[Role] | None = None


class CreateUser(Struct, frozen=True, kw_only=True):
    """A new user; with a password it may log in, for which it needs an e-mail."""

    name: Name
    first_name: Name | None = None
    last_name: Name | None = None
    email: Email | None = None
    phone: Name | None = None
    avatar_url: Link | None = None
    role: Role | None = None
    permissions: Permissions = []
    custom_attributes: JsonObject = {}
    password: Password | None = None


class ChangeUser(Struct, frozen=True, kw_only=True):
    """What to change of a user; what is left out stays."""

    name: Name | UnsetType = UNSET
    first_name: Name | UnsetType | None = UNSET
    last_name: Name | UnsetType | None = UNSET
    email: Email | UnsetType | None = UNSET
    phone: Name | UnsetType | None = UNSET
    avatar_url: Link | UnsetType | None = UNSET
    role: Role | UnsetType | None = UNSET
    permissions: Permissions | UnsetType = UNSET
    blocked: bool | UnsetType = UNSET
    custom_attributes: JsonObject | UnsetType = UNSET
    password: Password | UnsetType = UNSET


class Users(Struct, frozen=True):
    """A page of users, oldest first."""

    data: list[User]
    next_cursor: str | None
