"""Rate limits: a token bucket per key, in this process, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from koine.kit.times import SECOND
from koine.kit.tokens import sha256_hex
from koine.model.errors import TooMany, Unauthenticated

if TYPE_CHECKING:
    from koine.http.request import AnyRequest
    from koine.model.actor import Actor

_LONGEST_KEY = 100


@dataclass(frozen=True)
class Rate:
    """Calls per minute allowed, calls that may come now, Unix second of a full bucket."""

    limit: int
    remaining: int
    reset_unix: int

    def headers(self) -> dict[str, str]:
        """The headers that tell a caller about it."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_unix),
        }


class RateLimited(TooMany):
    """Too many calls, with the rate to tell: the application puts it on the call."""

    def __init__(self, retry_after: int, rate: Rate) -> None:
        super().__init__(retry_after)
        self.rate = rate


class RateLimiter:
    """Buckets by key ("tenant:ip" …). The bucket unused longest is forgotten above `max_keys`."""

    def __init__(self, max_keys: int = 100_000) -> None:
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def check(self, key: str, per_minute: int, now: int) -> Rate | None:
        """Take one call off the key's bucket of `per_minute`; `now` in µs since the epoch.

        0 per minute is no limit, and no Rate to tell. Raises Limited with the whole seconds
        until the next call may come.
        """
        if per_minute == 0:
            return None
        if len(key) > _LONGEST_KEY:
            # Strangers choose parts of it: what is remembered of them has a bound.
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
            raise RateLimited(max(1, ceil((1 - tokens) / per_second)), rate)
        return rate

    def reset(self, key: str) -> None:
        """Give the key a full bucket again: what was counted turned out to be welcome."""
        self._buckets.pop(key, None)

    def refund(self, key: str, per_minute: int) -> None:
        """Give the key one call of its `per_minute` back, likewise."""
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
    """What was spent by key in the window of time that now is: counters in this process, in bounded
    memory. The key unused longest is forgotten above `max_keys`."""

    def __init__(self, window: int, max_keys: int = 100_000) -> None:
        """`window` in µs; each begins at a multiple of it, of UTC."""
        self._window = window
        self._max_keys = max_keys
        self._spent: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def spend(self, key: str, amount: int, most: int, now: int) -> None:
        """Spend `amount` of the key's `most` in the window of `now` (µs); 0 is no limit. Raises
        TooMany with the seconds until the next window; then nothing is spent."""
        if most == 0:
            return
        current = now // self._window
        since, spent = self._spent.get(key, (current, 0))
        if current > since:
            since, spent = current, 0
        if spent + amount > most:
            raise TooMany(ceil(((since + 1) * self._window - now) / SECOND))
        self._spent[key] = since, spent + amount
        self._spent.move_to_end(key)
        if len(self._spent) > self._max_keys:
            self._spent.popitem(last=False)

    def __len__(self) -> int:
        return len(self._spent)


def count_call(call: AnyRequest, limiter: RateLimiter, key: str) -> None:
    """Take the call off the key's limit, and note on it what is left. Raises TooMany."""
    engine = call.engine
    call.rate = limiter.check(key, engine.settings.rate_limit_per_minute, engine.clock.now())


def limit_unauthenticated(call: AnyRequest, limiter: RateLimiter) -> None:
    """Count a call that shows no good credential, by its address. Raises TooMany."""
    count_call(call, limiter, f"ip:{call.rate_limit_ip}")


async def authenticate_limited(
    call: AnyRequest, limiter: RateLimiter, authenticate: Awaitable[Actor]
) -> Actor:
    """The caller whom `ask` finds; who shows no good credential is counted by address. Raises what
    `ask` raises, TooMany."""
    try:
        return await authenticate
    except Unauthenticated:
        limit_unauthenticated(call, limiter)
        raise
