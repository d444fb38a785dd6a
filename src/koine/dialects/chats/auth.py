"""Who calls: the workspace's API key, raw (F) or after `Bearer` (D), and nothing else."""

from msgspec import structs

from koine.engine.auth import credentials
from koine.http.headers import Headers
from koine.http.rate_limits import RateLimiter, authenticate_limited, count_call
from koine.http.request import AnyRequest
from koine.model.actor import Actor
from koine.model.errors import Forbidden, Unauthenticated
from koine.model.permissions import READ_CONVERSATIONS, WRITE_CONVERSATIONS


async def authenticate(call: AnyRequest, limiter: RateLimiter) -> Actor:
    """The key's actor, if it may read (GET) or write (all else), and has calls left.

    Whoever shows no good credential is counted by address.

    Raises Unauthenticated, Forbidden, TooMany.
    """
    actor = await authenticate_limited(call, limiter, _key_actor(call))
    count_call(call, limiter, f"key:{actor.key_id}")
    return _authorize(call, actor)


async def authenticate_uncounted(call: AnyRequest) -> Actor:
    """As `authenticate`, without counting the call."""
    return _authorize(call, await _key_actor(call))


async def _key_actor(call: AnyRequest) -> Actor:
    actor = await credentials.by_key(call.engine, _key(call.headers))
    # A user's token that another dialect has verified is remembered by its text, too.
    if actor.kind != "key" or not actor.tenant_id:
        raise Unauthenticated("invalid")
    return actor


def _authorize(call: AnyRequest, actor: Actor) -> Actor:
    needed = READ_CONVERSATIONS if call.method in ("GET", "HEAD") else WRITE_CONVERSATIONS
    if not actor.may(needed):
        raise Forbidden(needed)
    # Every write answers with the chat: who may write it sees what it wrote.
    return structs.replace(actor, permissions=actor.permissions | {READ_CONVERSATIONS})


def _key(headers: Headers) -> str:
    scheme, credentials = headers.authorization()
    if not scheme:
        raise Unauthenticated("missing")
    return credentials if scheme == "bearer" else (headers.get("authorization") or "").strip()
