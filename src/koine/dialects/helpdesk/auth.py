"""Authentication, permissions and rate limits (helpdesk.md, "Auth and permissions")."""

from collections.abc import Mapping

from koine.dialects.helpdesk.errors import ApiKeyRefused
from koine.engine.auth import access, credentials
from koine.engine.core.context import Engine
from koine.engine.webhooks import endpoints
from koine.http.rate_limits import (
    RateLimited,
    RateLimiter,
    authenticate_limited,
    count_call,
    limit_unauthenticated,
)
from koine.http.request import AnyRequest
from koine.model.actor import Actor
from koine.model.errors import Forbidden, Invalid, Unauthenticated
from koine.model.permissions import READ_CONVERSATIONS, WRITE_CONVERSATIONS

KEY_PREFIX = "sk_"
WEBHOOKS = "/api/v1/webhooks"
"""Requests below this path need other permissions (F)."""


async def authenticate(call: AnyRequest, limiter: RateLimiter) -> Actor:
    """The actor, within its rate limit, if it has the permission that the method needs (S).

    A request without a valid credential counts against the limit of its address.

    Raises Unauthenticated, Forbidden, TooMany.
    """
    actor = await authenticate_limited(call, limiter, _credential_actor(call))
    count_call(call, limiter, f"{actor.tenant_id}:{actor.caller}")
    return _authorize(call, actor)


async def authenticate_uncounted(call: AnyRequest) -> Actor:
    """As `actor`, without counting the request: for a stream that authenticates again."""
    return _authorize(call, await _credential_actor(call))


def rate_headers(call: AnyRequest, limiter: RateLimiter) -> Mapping[str, str]:
    """The rate limit headers, which every response has (F); {} where there is no limit."""
    if call.rate is None:
        # A public route or an unknown path: no actor, so the limit is the one of the address.
        try:
            limit_unauthenticated(call, limiter)
        except RateLimited as error:
            call.rate = error.rate
    return call.rate.headers() if call.rate else {}


def _authorize(call: AnyRequest, actor: Actor) -> Actor:
    reading = call.method in ("GET", "HEAD")
    if call.route is not None and call.route.path.startswith(WEBHOOKS):
        access.require(actor, *(endpoints.READ if reading else endpoints.WRITE))
    else:
        access.require(actor, READ_CONVERSATIONS if reading else WRITE_CONVERSATIONS)
    return actor


async def _credential_actor(call: AnyRequest) -> Actor:
    """The actor of the credential; `Authorization` is used before `X-API-Key`."""
    bearer = call.headers.bearer_token()
    if bearer and not bearer.startswith(KEY_PREFIX):
        return await _by_token(call.engine, bearer)
    key = bearer or (call.headers.get("X-API-Key") or "").strip()
    if not key:
        raise Unauthenticated("missing")
    try:
        return await credentials.by_key(call.engine, key)
    except Unauthenticated as refusal:
        raise ApiKeyRefused(refusal.reason) from None


async def _by_token(engine: Engine, token: str) -> Actor:
    """The user of an access token. The tenant is the token's (F), so it must have one."""
    try:
        return await credentials.by_token(engine, token)
    except Invalid:
        raise Forbidden("tenant") from None
