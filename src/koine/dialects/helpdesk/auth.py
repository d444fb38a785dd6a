"""Authentication, permissions and rate limits (helpdesk.md, "Auth and permissions")."""

from collections.abc import Mapping

from koine.dialects.helpdesk.errors import ApiKeyRefused
from koine.engine.auth import access, credentials
from koine.engine.core.engine import Engine
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


async def authenticate(request: AnyRequest, limiter: RateLimiter) -> Actor:
    """The actor, within its rate limit, if it has the permission that the method needs (S).

    A request without a valid credential counts against the limit of its address.

    Raises Unauthenticated, Forbidden, TooMany.
    """
    actor = await authenticate_limited(request, limiter, _credential_actor(request))
    count_call(request, limiter, f"{actor.tenant_id}:{actor.caller}")
    return _authorize(request, actor)


async def authenticate_uncounted(request: AnyRequest) -> Actor:
    """As `authenticate`, without counting the request: for a stream that authenticates again."""
    return _authorize(request, await _credential_actor(request))


def rate_headers(request: AnyRequest, limiter: RateLimiter) -> Mapping[str, str]:
    """The rate limit headers, which every response has (F); {} where there is no limit."""
    if request.rate is None:
        # A public route or an unknown path: no actor, so the limit is the one of the address.
        try:
            limit_unauthenticated(request, limiter)
        except RateLimited as error:
            request.rate = error.rate
    return request.rate.headers() if request.rate else {}


def _authorize(request: AnyRequest, actor: Actor) -> Actor:
    reading = request.method in ("GET", "HEAD")
    if request.route is not None and request.route.path.startswith(WEBHOOKS):
        access.require(actor, *(endpoints.READ if reading else endpoints.WRITE))
    else:
        access.require(actor, READ_CONVERSATIONS if reading else WRITE_CONVERSATIONS)
    return actor


async def _credential_actor(request: AnyRequest) -> Actor:
    """The actor of the credential; `Authorization` is used before `X-API-Key`."""
    bearer = request.headers.bearer_token()
    if bearer and not bearer.startswith(KEY_PREFIX):
        return await _by_token(request.engine, bearer)
    key = bearer or (request.headers.get("X-API-Key") or "").strip()
    if not key:
        raise Unauthenticated("missing")
    try:
        return await credentials.by_key(request.engine, key)
    except Unauthenticated as refusal:
        raise ApiKeyRefused(refusal.reason) from None


async def _by_token(engine: Engine, token: str) -> Actor:
    """The user of an access token. The tenant is the token's (F), so it must have one."""
    try:
        return await credentials.by_token(engine, token)
    except Invalid:
        raise Forbidden("tenant") from None
