"""The limit of failed logins, which holds for all processes of the server together.

Each would otherwise allow the whole of it: a server of eight workers eight times as many guesses.
"""

from collections.abc import Sequence

from msgspec import Struct

from koine.engine.core.engine import Engine
from koine.kit.times import MINUTE
from koine.kit.tokens import sha256_hex
from koine.store.auth import login_attempts
from koine.store.core.db import Tx


class LoginLimit(Struct, frozen=True):
    """Attempts a minute (1 or more) of a key, such as an address."""

    key: str
    per_minute: int


class LimitReached(Struct, frozen=True):
    """An attempt over a limit; the next one is allowed at `allowed_at` (µs)."""

    limit: LoginLimit
    allowed_at: int


async def count_attempt(engine: Engine, limits: Sequence[LoginLimit]) -> LimitReached | None:
    """Count an attempt against each of the limits, up to one that it is over, which is returned.

    Give them in the same order each time, wider ones first, so that two transactions do not
    deadlock. Raises Unavailable.
    """
    return await engine.db.write("", _count, engine.clock.now(), limits)


async def take_back_attempt(engine: Engine, all_of: LoginLimit, one_of: LoginLimit) -> None:
    """A login has succeeded: take back all attempts of one key, and this attempt of another."""
    await engine.db.write("", _take_back, all_of, one_of)


async def _count(tx: Tx, now: int, limits: Sequence[LoginLimit]) -> LimitReached | None:
    for limit in limits:
        allowed_at = await login_attempts.take(tx, _digest(limit), now, _cost(limit), MINUTE)
        if allowed_at is not None:
            return LimitReached(limit, allowed_at)
    return None


async def _take_back(tx: Tx, all_of: LoginLimit, one_of: LoginLimit) -> None:
    await login_attempts.give_back(tx, _digest(one_of), _cost(one_of))
    await login_attempts.fill(tx, _digest(all_of))


def _digest(limit: LoginLimit) -> str:
    return sha256_hex(limit.key)


def _cost(limit: LoginLimit) -> int:
    return MINUTE // limit.per_minute
