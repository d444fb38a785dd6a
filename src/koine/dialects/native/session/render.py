"""From a login to its response. Pure."""

from koine.dialects.native.session import schemas
from koine.dialects.native.users.render import render_user
from koine.engine.auth.sessions import LoggedIn


def render_tokens(logged_in: LoggedIn) -> schemas.Tokens:
    """A login's tokens."""
    return schemas.Tokens(
        access_token=logged_in.access_token,
        refresh_token=logged_in.refresh_token,
        token_type="Bearer",
        expires_in=logged_in.expires_in,
        tenant_id=logged_in.tenant_id,
        user=render_user(logged_in.user),
    )
