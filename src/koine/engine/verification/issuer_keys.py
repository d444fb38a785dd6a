"""The keys of tenants' own token issuers, fetched by URL (delivery.md, D) and cached.

They are never fetched inside a transaction, and for each issuer at most once in 30 seconds: tokens
with an unknown key, which anyone can send, must not make this server flood the issuer.
"""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from koine.kit.cache import TTLCache
from koine.kit.clock import Clock
from koine.kit.lazy_import import LazyModule
from koine.kit.outbound import Blocked, OutboundClient, Request, RequestFailed
from koine.kit.times import SECOND
from koine.model.errors import Unavailable
from koine.model.tenant import TokenIssuer

if TYPE_CHECKING:
    from koine.engine.verification import jwt_keys
else:
    jwt_keys = LazyModule("koine.engine.verification.jwt_keys")

FRESH_S = 600
RETRY_S = 30
STALE_S = 24 * 3600
MAX_ISSUERS = 10_000
OK = 200

_ACCEPT = {"accept": "application/jwk-set+json, application/json"}
_log = structlog.get_logger("koine")


@dataclass
class _CachedKeys:
    """The keys of one issuer; times in µs."""

    text: str = ""
    fetched_at: int = 0
    tried_at: int = -RETRY_S * SECOND
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)


class IssuerKeys:
    """Key sets by tenant and issuer: fresh for 10 minutes, usable for a day while the issuer does
    not respond."""

    def __init__(self, outbound: OutboundClient, clock: Clock) -> None:
        self._outbound = outbound
        self._clock = clock
        self._held: TTLCache[tuple[str, str, str], _CachedKeys] = TTLCache(MAX_ISSUERS)

    async def text(self, tenant_id: str, issuer: TokenIssuer, kid: object) -> str:
        """The issuer's key set, fetched again when it is old or does not have the key `kid`.

        Raises Unavailable when there is none and it cannot be fetched.
        """
        name = (tenant_id, issuer.jwks_url or "", issuer.algorithm)
        held = self._held.get(name, self._clock.now()) or _CachedKeys()
        # The entry may outlive its keys, as each use prolongs it: their own age is checked below.
        self._held.put(name, held, self._clock.now() + STALE_S * SECOND)
        if not self._good(held, issuer.algorithm, kid) and not (held.text and self._busy(held)):
            async with held.fetching:
                if not self._good(held, issuer.algorithm, kid) and not self._busy(held):
                    await self._fetch(tenant_id, issuer, held)
        if not held.text or held.fetched_at + STALE_S * SECOND <= self._clock.now():
            raise Unavailable(RETRY_S)
        return held.text

    def _good(self, held: _CachedKeys, algorithm: str, kid: object) -> bool:
        fresh = held.fetched_at + FRESH_S * SECOND > self._clock.now()
        return bool(held.text) and fresh and jwt_keys.knows(held.text, algorithm, kid)

    def _busy(self, held: _CachedKeys) -> bool:
        return held.tried_at + RETRY_S * SECOND > self._clock.now()

    async def _fetch(self, tenant_id: str, issuer: TokenIssuer, held: _CachedKeys) -> None:
        held.tried_at = self._clock.now()
        try:
            held.text = await self._fetched(issuer)
            held.fetched_at = held.tried_at
        except (Blocked, RequestFailed, jwt_keys.BadKey) as error:
            _log.warning("issuer keys could not be fetched", tenant=tenant_id, reason=error.reason)

    async def _fetched(self, issuer: TokenIssuer) -> str:
        reply = await self._outbound.send(Request("GET", issuer.jwks_url or "", _ACCEPT))
        if reply.status != OK:
            raise RequestFailed(f"the response has the status {reply.status}")
        if reply.truncated:
            raise RequestFailed("the key set is too long")
        text = reply.body.decode("utf-8", "replace").strip()
        if not text.startswith("{"):
            raise RequestFailed("the response is not a key set")
        jwt_keys.check_key(text, issuer.algorithm)
        return text
