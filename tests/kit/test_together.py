import asyncio

import pytest

from koine.kit.together import Together


async def test_what_is_asked_meanwhile_is_done_in_one_round() -> None:
    rounds: list[list[int]] = []

    async def double(items: list[int]) -> list[int]:
        rounds.append(items)
        await asyncio.sleep(0)
        return [2 * item for item in items]

    together = Together(double, most=3)
    assert await asyncio.gather(*(together.do(n) for n in range(7))) == [0, 2, 4, 6, 8, 10, 12]
    assert max(map(len, rounds)) == 3
    assert await together.do(9) == 18


async def test_what_breaks_a_round_breaks_the_next_one_not() -> None:
    async def picky(items: list[int]) -> list[int]:
        if 13 in items:
            raise ValueError("13")
        return items

    together = Together(picky)
    with pytest.raises(ValueError, match="13"):
        await together.do(13)
    assert await together.do(14) == 14
