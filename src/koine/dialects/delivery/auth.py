"""Authentication: a bearer token, and the tenant that it or the request names (delivery.md, S and
D)."""

from msgspec import structs

from koine.engine.auth import credentials
from koine.http.rate_limits import RateLimiter, authenticate_limited, count_call
from koine.http.request import AnyRequest
from koine.model.actor import Actor
from koine.model.errors import Unauthenticated
from koine.model.permissions import (
    MANAGE_MESSAGING,
    MANAGE_OPERATIONS,
    MANAGE_TENANT,
    VIEW_TENANT,
)

PERMISSIONS = frozenset({VIEW_TENANT, MANAGE_MESSAGING, MANAGE_TENANT, MANAGE_OPERATIONS})
"""The permissions this dialect documents (delivery.md, F). All others are removed from the actor,
so that only a participant, `view:tenant` and a system administrator get a conversation (S)."""


async def authenticate(request: AnyRequest, limiter: RateLimiter) -> Actor:
    """The actor, within its rate limit. A request without a valid token counts against the limit of
    its address.

    Raises Unauthenticated; Forbidden, Invalid or NotFound("tenant") about `tenant_id`; TooMany.
    """
    actor = await authenticate_limited(request, limiter, authenticate_uncounted(request))
    count_call(request, limiter, f"{actor.tenant_id}:{actor.identity_id}")
    return actor


async def authenticate_uncounted(request: AnyRequest) -> Actor:
    """As `authenticate`, without counting the request: for a stream that authenticates again."""
    scheme, token = request.headers.authorization()
    if scheme != "bearer" or not token:
        raise Unauthenticated("missing")
    actor = await credentials.by_token(request.engine, token, query_value(request, "tenant_id"))
    if actor.permissions <= PERMISSIONS:
        return actor
    return structs.replace(actor, permissions=actor.permissions & PERMISSIONS)


def query_value(request: AnyRequest, name: str) -> str | None:
    """The last value of a query parameter; an empty one counts as absent (contracts/README.md)."""
    return next((value for value in reversed(request.raw_query.get(name, ())) if value), None)
