"""Login, refresh, logout, the caller's own password, and `GET /v1/me`."""

from functools import partial

from koine.dialects.native.auth import limit_login, limit_login_address, refund_login
from koine.dialects.native.session import schemas
from koine.dialects.native.session.render import render_tokens
from koine.dialects.native.users.render import render_user
from koine.engine.auth import sessions
from koine.engine.people import accounts, directory
from koine.http.rate_limits import RateLimiter, limit_unauthenticated
from koine.http.request import Request
from koine.http.route import Routes
from koine.kit.ids import canonical_id
from koine.model.errors import Unauthenticated

TAGS = ("Login",)
BODY_LIMIT = 8 * 1024
"""The longest body in bytes. Small, since it is read before the caller is authenticated."""


def login_routes(limiter: RateLimiter) -> Routes:
    """The routes that check a password, and limit attempts together."""
    routes = Routes()
    _login_route(routes, limiter)

    @routes.put(
        "/v1/me/password",
        body=schemas.NewPassword,
        status=204,
        idempotent=False,
        body_limit=BODY_LIMIT,
        tags=TAGS,
    )
    async def change_password(request: Request[schemas.NewPassword, None]) -> None:
        """Change one's own password, which ends every session of one's own."""
        limit_login_address(request, limiter)
        me, body = request.actor.identity_id or "", request.body
        await limit_login(request, limiter, me)
        await accounts.change_own_password(
            request.engine, request.actor, body.current_password, body.password
        )
        await refund_login(request, limiter, me)

    return routes


def _login_route(routes: Routes, limiter: RateLimiter) -> None:
    @routes.post(
        "/v1/auth/login",
        body=schemas.LogIn,
        returns=schemas.Tokens,
        public=True,
        precheck=partial(limit_login_address, limiter=limiter),
        idempotent=False,
        body_limit=BODY_LIMIT,
        tags=TAGS,
    )
    async def log_in(request: Request[schemas.LogIn, None]) -> schemas.Tokens:
        """Log in by e-mail and password. A wrong password and an unknown e-mail answer alike."""
        body = request.body
        await limit_login(request, limiter, body.email)
        if body.tenant_id is not None and canonical_id(body.tenant_id) is None:
            raise Unauthenticated("invalid")
        logged_in = await sessions.log_in(
            request.engine,
            body.email,
            body.password,
            body.tenant_id,
            address=request.client_ip or None,
        )
        await refund_login(request, limiter, body.email)
        return render_tokens(logged_in)


def refresh_routes(limiter: RateLimiter) -> Routes:
    """The routes that take a refresh token, limited by address."""
    routes = Routes()
    limit = partial(limit_unauthenticated, limiter=limiter)

    @routes.post(
        "/v1/auth/refresh",
        body=schemas.RefreshToken,
        returns=schemas.Tokens,
        public=True,
        precheck=limit,
        idempotent=False,
        body_limit=BODY_LIMIT,
        tags=TAGS,
    )
    async def refresh(request: Request[schemas.RefreshToken, None]) -> schemas.Tokens:
        """Turn a refresh token into the next pair. One that was used before ends its session."""
        token, address = request.body.refresh_token, request.client_ip or None
        return render_tokens(await sessions.refresh(request.engine, token, address=address))

    @routes.post(
        "/v1/auth/logout",
        body=schemas.RefreshToken,
        status=204,
        public=True,
        precheck=limit,
        idempotent=False,
        body_limit=BODY_LIMIT,
        tags=TAGS,
    )
    async def log_out(request: Request[schemas.RefreshToken, None]) -> None:
        """End the session of a refresh token."""
        token, address = request.body.refresh_token, request.client_ip or None
        await sessions.log_out(request.engine, token, address=address)

    return routes


routes = Routes()


@routes.get("/v1/me", returns=schemas.Me, tags=TAGS)
async def get_me(request: Request[None, None]) -> schemas.Me:
    """Get the caller and its permissions."""
    actor = request.actor
    user = None
    if actor.identity_id is not None:
        user = render_user(await directory.get(request.engine, actor, actor.identity_id, "user"))
    return schemas.Me(
        actor.tenant_id, actor.kind, actor.is_system_admin, sorted(actor.permissions), user
    )
