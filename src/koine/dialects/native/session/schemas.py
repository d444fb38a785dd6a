"""The types of logins and tokens."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from koine.dialects.native.schemas import Id, Password
from koine.dialects.native.users.schemas import User


class LogIn(Struct, frozen=True, kw_only=True):
    """E-mail and password; the tenant is needed where several know the pair."""

    email: Annotated[str, Meta(min_length=1, max_length=320)]
    password: Password
    tenant_id: Id | None = None


class RefreshToken(Struct, frozen=True):
    """The newest refresh token of a session."""

    refresh_token: Annotated[str, Meta(min_length=1, max_length=512)]


class NewPassword(Struct, frozen=True):
    """A person's own new password, and the one it replaces."""

    current_password: Password
    password: Password


class Tokens(Struct, frozen=True):
    """What a login or a refresh gives; `expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    tenant_id: str
    user: User


class Me(Struct, frozen=True):
    """Who calls: the user (none for a system administrator) and everything it may do."""

    tenant_id: str
    kind: Literal["user", "contact", "key", "operator"]
    is_system_admin: bool
    permissions: list[str]
    user: User | None
