"""Who calls, what it may, and how often (helpdesk.md, "Auth and permissions")."""

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
"""Below it other permissions are asked for (F)."""


async def authenticate(call: AnyRequest, limiter: RateLimiter) -> Actor:
    """The caller, counted against its limit, if it may do what the method says (S).

    Whoever shows no good credential is counted by address. Raises Unauthenticated, Forbidden,
    TooMany.
    """
    found = await authenticate_limited(call, limiter, _credential_actor(call))
    count_call(call, limiter, f"{found.tenant_id}:{found.caller}")
    return _authorize(call, found)


async def authenticate_uncounted(call: AnyRequest) -> Actor:
    """As `actor`, without counting the call."""
    return _authorize(call, await _credential_actor(call))


def rate_headers(call: AnyRequest, limiter: RateLimiter) -> Mapping[str, str]:
    """The rate limit headers of an answer (F: of every one); {} where there is no limit."""
    if call.rate is None:
        # A public route, or a path nobody has: the address is all there is to count by.
        try:
            limit_unauthenticated(call, limiter)
        except RateLimited as full:
            call.rate = full.rate
    return call.rate.headers() if call.rate else {}


def _authorize(call: AnyRequest, found: Actor) -> Actor:
    reading = call.method in ("GET", "HEAD")
    if call.route is not None and call.route.path.startswith(WEBHOOKS):
        access.require(found, *(endpoints.READ if reading else endpoints.WRITE))
    else:
        access.require(found, READ_CONVERSATIONS if reading else WRITE_CONVERSATIONS)
    return found


async def _credential_actor(call: AnyRequest) -> Actor:
    """The actor behind the credential. `Authorization` wins over `X-API-Key`."""
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
    """A user of the tenant. The tenant is the token's (F), so a token of no tenant opens none."""
    try:
        return await credentials.by_token(engine, token)
    except Invalid:
        raise Forbidden("tenant") from None
