"""Logging in and out, and who one is."""

from functools import partial

from koine.dialects.native import shapes, wire
from koine.dialects.native.auth import count_login, count_login_address, welcome
from koine.engine.auth import sessions
from koine.engine.people import accounts, directory
from koine.http.rate_limits import RateLimiter, limit_unauthenticated
from koine.http.request import Request
from koine.http.route import Routes
from koine.kit.ids import canonical_id
from koine.model.errors import Unauthenticated

TAGS = ("Login",)
BODY_LIMIT = 8 * 1024
"""Bytes of what strangers may send here: it is read before anybody is known."""


def login_routes(limiter: RateLimiter) -> Routes:
    """The routes that count attempts, with the counter they share."""
    routes = Routes()
    _login_route(routes, limiter)

    @routes.put(
        "/v1/me/password",
        body=wire.NewPassword,
        status=204,
        idempotent=False,
        body_limit=BODY_LIMIT,
        tags=TAGS,
    )
    async def change_password(call: Request[wire.NewPassword, None]) -> None:
        """Change one's own password, which ends every session of one's own."""
        count_login_address(call, limiter)
        me, body = call.actor.identity_id or "", call.body
        count_login(call, limiter, me)
        await accounts.change_own_password(
            call.engine, call.actor, body.current_password, body.password, address=call.client_ip
        )
        welcome(call, limiter, me)

    return routes


def _login_route(routes: Routes, limiter: RateLimiter) -> None:
    @routes.post(
        "/v1/auth/login",
        body=wire.LogIn,
        returns=wire.Tokens,
        public=True,
        precheck=partial(count_login_address, limiter=limiter),
        idempotent=False,
        body_limit=BODY_LIMIT,
        tags=TAGS,
    )
    async def log_in(call: Request[wire.LogIn, None]) -> wire.Tokens:
        """Log in by e-mail and password. A wrong password and an unknown e-mail answer alike."""
        body = call.body
        count_login(call, limiter, body.email)
        if body.tenant_id is not None and canonical_id(body.tenant_id) is None:
            raise Unauthenticated("invalid")
        logged_in = await sessions.log_in(
            call.engine, body.email, body.password, body.tenant_id, address=call.client_ip
        )
        welcome(call, limiter, body.email)
        return shapes.tokens(logged_in)


def session_routes(limiter: RateLimiter) -> Routes:
    """The routes that a refresh token opens, counted by address."""
    routes = Routes()
    admit = partial(limit_unauthenticated, limiter=limiter)

    @routes.post(
        "/v1/auth/refresh",
        body=wire.RefreshToken,
        returns=wire.Tokens,
        public=True,
        precheck=admit,
        idempotent=False,
        body_limit=BODY_LIMIT,
        tags=TAGS,
    )
    async def refresh(call: Request[wire.RefreshToken, None]) -> wire.Tokens:
        """Turn a refresh token into the next pair. One that was used before ends its session."""
        return shapes.tokens(await sessions.refresh(call.engine, call.body.refresh_token))

    @routes.post(
        "/v1/auth/logout",
        body=wire.RefreshToken,
        status=204,
        public=True,
        precheck=admit,
        idempotent=False,
        body_limit=BODY_LIMIT,
        tags=TAGS,
    )
    async def log_out(call: Request[wire.RefreshToken, None]) -> None:
        """End the session of a refresh token."""
        await sessions.log_out(call.engine, call.body.refresh_token)

    return routes


routes = Routes()


@routes.get("/v1/me", returns=wire.Me, tags=TAGS)
async def get_me(call: Request[None, None]) -> wire.Me:
    """Say who calls and what they may do."""
    actor = call.actor
    user = None
    if actor.identity_id is not None:
        user = shapes.user(await directory.get(call.engine, actor, actor.identity_id, "user"))
    return wire.Me(
        actor.tenant_id, actor.kind, actor.is_system_admin, sorted(actor.permissions), user
    )
