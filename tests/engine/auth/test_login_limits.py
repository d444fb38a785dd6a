"""The limit of failed logins holds for all processes of a server together."""

import asyncio

from koine.engine.auth.login_limits import LoginLimit, count_attempt, take_back_attempt
from koine.engine.core.engine import Engine, open_engine
from koine.kit.ids import new_id
from koine.kit.times import MINUTE, SECOND
from koine.server.webhook_formats import webhook_formats
from koine.store.auth import login_attempts
from koine.store.core.db import Tx
from tests.cast import Cast

TICK = 0.000_001


async def second_process(cast: Cast) -> Engine:
    """Another engine on the same database."""
    settings = cast.engine.settings
    formats = webhook_formats(settings.public_url())
    return await open_engine(cast.engine.db, cast.clock, settings, formats)


def limits(address: int = 6, login: int = 3) -> tuple[LoginLimit, LoginLimit]:
    """Those of an address and of a login there, which no other test has."""
    about = new_id()
    return LoginLimit(f"address:{about}", address), LoginLimit(f"login:{about}", login)


async def test_two_processes_allow_no_more_attempts_than_one(cast: Cast) -> None:
    both, engines = limits(), [cast.engine, await second_process(cast)]
    results = await asyncio.gather(*(count_attempt(each, both) for each in engines * 5))
    assert results.count(None) == 3
    refused = {(each.limit, each.allowed_at - cast.clock.now()) for each in results if each}
    assert refused <= {
        (both[1], MINUTE // 3 - SECOND),
        (both[0], MINUTE // 6 - SECOND),
    }


async def test_attempts_are_granted_again_over_the_minute(cast: Cast) -> None:
    _, login = limits()
    engine = cast.engine
    assert [await count_attempt(engine, [login]) for _ in range(3)] == [None] * 3
    cast.clock.advance(19 - TICK)  # a third of a minute, less the slack for clocks that differ
    reached = await count_attempt(engine, [login])
    assert reached is not None and reached.allowed_at == cast.clock.now() + 1
    cast.clock.advance(TICK)
    assert await count_attempt(engine, [login]) is None
    assert await count_attempt(engine, [login]) is not None
    cast.clock.advance(60)
    assert [await count_attempt(engine, [login]) is None for _ in range(4)] == [True] * 3 + [False]


async def test_the_limit_of_an_address_counts_the_attempts_of_all_its_logins(cast: Cast) -> None:
    address, _ = limits(address=4)
    results = [
        await count_attempt(cast.engine, [address, LoginLimit(f"login:{new_id()}", 3)])
        for _ in range(5)
    ]
    assert results[:4] == [None] * 4 and results[4] is not None
    assert results[4].limit == address


async def test_a_login_that_succeeds_is_taken_out_of_the_counts(cast: Cast) -> None:
    both = limits(address=4, login=2)
    for _ in range(6):
        assert await count_attempt(cast.engine, both) is None
        await take_back_attempt(cast.engine, both[1], both[0])
    assert await count_attempt(cast.engine, both) is None


async def test_buckets_that_are_full_again_are_deleted(cast: Cast) -> None:
    _, login = limits()
    assert await count_attempt(cast.engine, [login]) is None
    cast.clock.advance(60 + TICK)
    await cast.engine.db.write("", _delete, cast.clock.now())
    assert await cast.engine.db.write("", _delete, cast.clock.now()) == 0


async def _delete(tx: Tx, before: int) -> int:
    return await login_attempts.delete_before(tx, before)
