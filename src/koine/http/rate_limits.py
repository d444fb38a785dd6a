"""Rate limits (a token bucket per key) and budgets, in this process and in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from koine.kit.times import SECOND
from koine.kit.tokens import sha256_hex
from koine.model.errors import Limit, TenantSuspended, TooMany, Unauthenticated

if TYPE_CHECKING:
    from koine.http.request import AnyRequest
    from koine.model.actor import Actor

_LONGEST_KEY = 100


@dataclass(frozen=True)
class Rate:
    """Requests allowed per minute, requests left now, Unix second when the bucket is full again."""

    limit: int
    remaining: int
    reset_unix: int

    def headers(self) -> dict[str, str]:
        """The rate limit headers of a response."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_unix),
        }


class RateLimited(TooMany):
    """Too many requests. `rate` is for the response's headers: the application puts it on the
    request."""

    def __init__(self, retry_after: int, rate: Rate, limit: Limit = "requests") -> None:
        super().__init__(retry_after, limit=limit)
        self.rate = rate


class RateLimiter:
    """Token buckets by key ("tenant:ip" …). Above `max_keys` the least recently used is dropped.
    `limit` is the word of the limit in metrics."""

    def __init__(self, max_keys: int = 100_000, *, limit: Limit = "requests") -> None:
        self._max_keys = max_keys
        self._limit: Limit = limit
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def check(self, key: str, per_minute: int, now: int) -> Rate | None:
        """Take a token from the key's bucket of `per_minute`; `now` in µs since the epoch.

        0 per minute is no limit, and gives None. Raises RateLimited with the whole seconds until
        the next token.
        """
        if per_minute == 0:
            return None
        if len(key) > _LONGEST_KEY:
            # Unauthenticated clients choose parts of keys: the stored key has a bounded length.
            key = sha256_hex(key)
        tokens, then = self._buckets.get(key, (float(per_minute), now))
        per_second = per_minute / 60
        elapsed = max(0, now - then) / SECOND
        tokens = min(float(per_minute), tokens + elapsed * per_second)
        allowed = tokens >= 1
        self._keep(key, tokens - 1 if allowed else tokens, max(now, then))
        left = tokens - 1 if allowed else tokens
        full_in = ceil((per_minute - left) / per_second)
        rate = Rate(per_minute, int(left), now // SECOND + full_in)
        if not allowed:
            raise RateLimited(max(1, ceil((1 - tokens) / per_second)), rate, self._limit)
        return rate

    def reset(self, key: str) -> None:
        """Fill the key's bucket: what was counted was legitimate after all."""
        self._buckets.pop(key, None)

    def refund(self, key: str, per_minute: int) -> None:
        """Put one token back into the key's bucket of `per_minute`."""
        if key in self._buckets:
            tokens, then = self._buckets[key]
            self._buckets[key] = (min(float(per_minute), tokens + 1), then)

    def __len__(self) -> int:
        return len(self._buckets)

    def _keep(self, key: str, tokens: float, now: int) -> None:
        self._buckets[key] = (tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)


class WindowBudget:
    """Amounts spent by key in the current window of time. Above `max_keys` the least recently used
    key is dropped."""

    def __init__(self, window: int, limit: Limit, max_keys: int = 100_000) -> None:
        """`window` in µs; windows begin at its multiples since the epoch (UTC). `limit` is the word
        of the budget in metrics."""
        self._window = window
        self._limit: Limit = limit
        self._max_keys = max_keys
        self._spent: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def spend(self, key: str, amount: int, most: int, now: int) -> None:
        """Spend `amount` of the key's `most` in the window of `now` (µs); 0 is no limit. Raises
        TooMany with the seconds until the next window, and spends nothing then."""
        if most == 0:
            return
        current = now // self._window
        since, spent = self._spent.get(key, (current, 0))
        if current > since:
            since, spent = current, 0
        if spent + amount > most:
            seconds = ceil(((since + 1) * self._window - now) / SECOND)
            raise TooMany(seconds, limit=self._limit)
        self._spent[key] = since, spent + amount
        self._spent.move_to_end(key)
        if len(self._spent) > self._max_keys:
            self._spent.popitem(last=False)

    def __len__(self) -> int:
        return len(self._spent)


def count_call(request: AnyRequest, limiter: RateLimiter, key: str) -> None:
    """Count the request against the key's limit, and set its `rate`. Raises TooMany."""
    engine = request.engine
    request.rate = limiter.check(key, engine.settings.rate_limit_per_minute, engine.clock.now())


def limit_unauthenticated(request: AnyRequest, limiter: RateLimiter) -> None:
    """Count a request without a good credential, by its address. Raises TooMany."""
    count_call(request, limiter, f"ip:{request.rate_limit_ip}")


async def authenticate_limited(
    request: AnyRequest, limiter: RateLimiter, authenticate: Awaitable[Actor]
) -> Actor:
    """Give the actor of `authenticate`; count a request without a good credential, or of a
    suspended tenant, by its address. Raises what `authenticate` raises, and TooMany."""
    try:
        return await authenticate
    except (Unauthenticated, TenantSuspended):
        limit_unauthenticated(request, limiter)
        raise
