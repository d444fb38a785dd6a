"""Who calls: an access token or an API key, and how often."""

from koine.engine.auth import access, credentials
from koine.engine.core.context import Engine
from koine.http.rate_limits import RateLimiter, authenticate_limited, count_call
from koine.http.request import AnyRequest
from koine.kit.tokens import sha256_hex
from koine.model.actor import Actor
from koine.model.errors import Unauthenticated
from koine.model.permissions import READ_CONVERSATIONS, WRITE_CONVERSATIONS

API_KEY_PREFIX = "sk_"
ATTEMPTS_OF_ADDRESS = 3
"""One address may fail this many times the limit of one login, over all logins."""


async def authenticate(call: AnyRequest, limiter: RateLimiter) -> Actor:
    """The caller, counted against its limit; whoever shows no good credential is counted by
    address. Raises Unauthenticated, Forbidden, TooMany."""
    found = await authenticate_limited(call, limiter, authenticate_uncounted(call))
    limit_actor(call, limiter, found)
    return found


def limit_actor(call: AnyRequest, limiter: RateLimiter, found: Actor) -> None:
    """Count a call of the caller. Raises TooMany."""
    count_call(call, limiter, f"{found.tenant_id}:{found.caller}")


def limit_login_address(call: AnyRequest, limiter: RateLimiter) -> None:
    """Count an attempt to log in for the address, before anything else is read of it. Raises
    TooMany."""
    limiter.check(_address_key(call), _address_limit(call), call.engine.clock.now())


def limit_login(call: AnyRequest, limiter: RateLimiter, email: str) -> None:
    """Count an attempt to log in for the address and e-mail together. Raises TooMany."""
    per_minute, now = call.engine.settings.login_rate_limit_per_minute, call.engine.clock.now()
    limiter.check(_login_key(call, email), per_minute, now)


def refund_login(call: AnyRequest, limiter: RateLimiter, email: str) -> None:
    """Count a login that succeeded no more: who knows the password is no guesser."""
    limiter.reset(_login_key(call, email))
    limiter.refund(_address_key(call), _address_limit(call))


def _address_key(call: AnyRequest) -> str:
    return f"login:{call.rate_limit_ip}"


def _address_limit(call: AnyRequest) -> int:
    return call.engine.settings.login_rate_limit_per_minute * ATTEMPTS_OF_ADDRESS


def _login_key(call: AnyRequest, email: str) -> str:
    return sha256_hex(f"login:{call.rate_limit_ip}:{email.strip().lower()}")


def require_reader(call: AnyRequest) -> Actor:
    """The caller, for reading conversations: a key needs the permission even for those its user
    takes part in. Raises Forbidden."""
    return require_read(call.actor)


def require_read(actor: Actor) -> Actor:
    """As `reader`, for an actor found elsewhere."""
    if actor.kind == "key":
        access.require(actor, READ_CONVERSATIONS)
    return actor


def require_writer(call: AnyRequest) -> Actor:
    """The caller, for speaking in conversations and changing them; as `reader`."""
    return require_write(call.actor)


def require_write(actor: Actor) -> Actor:
    """As `writer`, for an actor found elsewhere."""
    if actor.kind == "key":
        access.require(actor, WRITE_CONVERSATIONS)
    return actor


async def authenticate_uncounted(call: AnyRequest) -> Actor:
    """The caller, not counted. Raises Unauthenticated, Forbidden."""
    bearer = call.headers.bearer_token()
    credential = bearer or (call.headers.get("X-API-Key") or "").strip()
    if not credential:
        raise Unauthenticated("missing")
    tenant_id = call.headers.get("X-Tenant-Id") or call.params.get("tenant_id") or None
    return await actor_of(call.engine, credential, tenant_id)


async def actor_of(engine: Engine, credential: str, tenant_id: str | None) -> Actor:
    """Who holds a key or a token. Raises Unauthenticated, Forbidden, Invalid, NotFound."""
    if credential.startswith(API_KEY_PREFIX):
        return await credentials.by_key(engine, credential)
    return await credentials.by_token(engine, credential, tenant_id)
