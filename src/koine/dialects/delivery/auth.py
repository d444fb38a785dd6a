"""Who calls: a bearer token, and the tenant it or the request names (delivery.md, S and D)."""

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
"""The permissions this dialect knows (delivery.md, F). Any other opens nothing here, so that a
participant, `view:tenant` and a system administrator alone get a conversation (S)."""


async def authenticate(call: AnyRequest, limiter: RateLimiter) -> Actor:
    """The caller; who shows no good credential is counted by address.

    Raises Unauthenticated; Forbidden, Invalid or NotFound("tenant") about `tenant_id`; TooMany.
    """
    actor = await authenticate_limited(call, limiter, authenticate_uncounted(call))
    count_call(call, limiter, f"{actor.tenant_id}:{actor.identity_id}")
    return actor


async def authenticate_uncounted(call: AnyRequest) -> Actor:
    """As `authenticate`, without counting the call."""
    scheme, token = call.headers.authorization()
    if scheme != "bearer" or not token:
        raise Unauthenticated("missing")
    actor = await credentials.by_token(call.engine, token, query_value(call, "tenant_id"))
    if actor.permissions <= PERMISSIONS:
        return actor
    return structs.replace(actor, permissions=actor.permissions & PERMISSIONS)


def query_value(call: AnyRequest, name: str) -> str | None:
    """The query parameter's last value; sent empty it is not given (contracts/README.md)."""
    return next((value for value in reversed(call.raw_query.get(name, ())) if value), None)
