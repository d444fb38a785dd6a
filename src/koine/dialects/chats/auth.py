"""Authentication: the workspace's API key alone, raw (F) or after `Bearer` (D)."""

from msgspec import structs

from koine.engine.auth import credentials
from koine.http.headers import Headers
from koine.http.rate_limits import RateLimiter, authenticate_limited, count_call
from koine.http.request import AnyRequest
from koine.model.actor import Actor
from koine.model.errors import Forbidden, Unauthenticated
from koine.model.permissions import READ_CONVERSATIONS, WRITE_CONVERSATIONS


async def authenticate(request: AnyRequest, limiter: RateLimiter) -> Actor:
    """The key's actor, if it may read (GET) or write (other methods) and is within its rate limit.

    A request without a valid key counts against the limit of its address.

    Raises Unauthenticated, Forbidden, TooMany.
    """
    actor = await authenticate_limited(request, limiter, _key_actor(request))
    count_call(request, limiter, f"key:{actor.key_id}")
    return _authorize(request, actor)


async def authenticate_uncounted(request: AnyRequest) -> Actor:
    """As `authenticate`, without counting the request: for a stream that authenticates again."""
    return _authorize(request, await _key_actor(request))


async def _key_actor(request: AnyRequest) -> Actor:
    actor = await credentials.by_key(request.engine, _key(request.headers))
    # The cache of credentials is shared: `by_key` also finds a user's access token that another
    # dialect has verified.
    if actor.kind != "key" or not actor.tenant_id:
        raise Unauthenticated("invalid")
    return actor


def _authorize(request: AnyRequest, actor: Actor) -> Actor:
    needed = READ_CONVERSATIONS if request.method in ("GET", "HEAD") else WRITE_CONVERSATIONS
    if not actor.may(needed):
        raise Forbidden(needed)
    # The response to a write contains the chat, so a key that may only write can read it here.
    return structs.replace(actor, permissions=actor.permissions | {READ_CONVERSATIONS})


def _key(headers: Headers) -> str:
    scheme, credentials = headers.authorization()
    if not scheme:
        raise Unauthenticated("missing")
    return credentials if scheme == "bearer" else (headers.get("authorization") or "").strip()
