"""Authentication by access token or API key, and the rate limits of callers."""

from math import ceil

from koine.engine.auth import access, credentials, login_limits
from koine.engine.auth.login_limits import LoginLimit
from koine.engine.core.engine import Engine
from koine.http.rate_limits import (
    Rate,
    RateLimited,
    RateLimiter,
    authenticate_limited,
    count_call,
)
from koine.http.request import AnyRequest
from koine.kit.times import SECOND
from koine.kit.tokens import sha256_hex
from koine.model.actor import Actor
from koine.model.errors import Unauthenticated
from koine.model.permissions import READ_CONVERSATIONS, WRITE_CONVERSATIONS

API_KEY_PREFIX = "sk_"
ATTEMPTS_OF_ADDRESS = 3
"""One address may fail to log in this many times the limit of one login, over all e-mails."""


async def authenticate(request: AnyRequest, limiter: RateLimiter) -> Actor:
    """The caller, counted against its rate limit. A request without a valid credential counts
    against its address. Raises Unauthenticated, Forbidden, TooMany."""
    actor = await authenticate_limited(request, limiter, authenticate_uncounted(request))
    limit_actor(request, limiter, actor)
    return actor


def limit_actor(request: AnyRequest, limiter: RateLimiter, actor: Actor) -> None:
    """Count a request against the limit of its caller. Raises TooMany."""
    count_call(request, limiter, f"{actor.tenant_id}:{actor.caller}")


def limit_login_address(request: AnyRequest, limiter: RateLimiter) -> None:
    """Count an attempt to log in against the limit of its address. Called before the body is read.
    Raises TooMany."""
    limiter.check(_address_key(request), _address_limit(request), request.engine.clock.now())


async def limit_login(request: AnyRequest, limiter: RateLimiter, email: str) -> None:
    """Count an attempt to log in against the limit of its address and e-mail together: in this
    process, so that a flood does not reach the database, and then for all processes. Raises
    TooMany, Unavailable."""
    engine = request.engine
    per_minute, now = engine.settings.login_rate_limit_per_minute, engine.clock.now()
    limiter.check(_login_key(request, email), per_minute, now)
    if per_minute == 0:
        return
    reached = await login_limits.count_attempt(engine, _shared_limits(request, email))
    if reached is not None:
        allowed_unix = ceil(reached.allowed_at / SECOND)
        seconds = max(1, ceil((reached.allowed_at - now) / SECOND))
        raise RateLimited(seconds, Rate(reached.limit.per_minute, 0, allowed_unix))


async def refund_login(request: AnyRequest, limiter: RateLimiter, email: str) -> None:
    """Take a login that succeeded out of the counts: only failed attempts are limited."""
    limiter.reset(_login_key(request, email))
    limiter.refund(_address_key(request), _address_limit(request))
    if request.engine.settings.login_rate_limit_per_minute:
        of_address, of_login = _shared_limits(request, email)
        await login_limits.take_back_attempt(request.engine, of_login, of_address)


def _shared_limits(request: AnyRequest, email: str) -> tuple[LoginLimit, LoginLimit]:
    """Those of the address, and of the address and the e-mail."""
    per_minute = request.engine.settings.login_rate_limit_per_minute
    return (
        LoginLimit(_address_key(request), _address_limit(request)),
        LoginLimit(_login_key(request, email), per_minute),
    )


def _address_key(request: AnyRequest) -> str:
    return f"login:{request.rate_limit_ip}"


def _address_limit(request: AnyRequest) -> int:
    return request.engine.settings.login_rate_limit_per_minute * ATTEMPTS_OF_ADDRESS


def _login_key(request: AnyRequest, email: str) -> str:
    return sha256_hex(f"login:{request.rate_limit_ip}:{email.strip().lower()}")


def require_reader(request: AnyRequest) -> Actor:
    """The caller, who may read conversations: an API key needs the permission even where its user
    is a participant. Raises Forbidden."""
    return require_read(request.actor)


def require_read(actor: Actor) -> Actor:
    """As `require_reader`, for an actor that was authenticated elsewhere."""
    if actor.kind == "key":
        access.require(actor, READ_CONVERSATIONS)
    return actor


def require_writer(request: AnyRequest) -> Actor:
    """The caller, who may send messages and change conversations; as `require_reader`."""
    return require_write(request.actor)


def require_write(actor: Actor) -> Actor:
    """As `require_writer`, for an actor that was authenticated elsewhere."""
    if actor.kind == "key":
        access.require(actor, WRITE_CONVERSATIONS)
    return actor


async def authenticate_uncounted(request: AnyRequest) -> Actor:
    """The caller, not counted against a rate limit. Raises Unauthenticated, Forbidden."""
    bearer = request.headers.bearer_token()
    credential = bearer or (request.headers.get("X-API-Key") or "").strip()
    if not credential:
        raise Unauthenticated("missing")
    tenant_id = request.headers.get("X-Tenant-Id") or request.params.get("tenant_id") or None
    return await actor_of(request.engine, credential, tenant_id)


async def actor_of(engine: Engine, credential: str, tenant_id: str | None) -> Actor:
    """The actor of an API key or an access token. Raises Unauthenticated, Forbidden, Invalid,
    NotFound."""
    if credential.startswith(API_KEY_PREFIX):
        return await credentials.by_key(engine, credential)
    return await credentials.by_token(engine, credential, tenant_id)
