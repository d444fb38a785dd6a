import asyncio

import pytest

from koine.kit.batching import Batcher


async def double(items: list[int]) -> list[int]:
    await asyncio.sleep(0)
    return [2 * item for item in items]


async def not_13(items: list[int]) -> list[int]:
    await asyncio.sleep(0)
    if 13 in items:
        raise ValueError("13")
    return items


async def test_items_queued_during_a_batch_are_one_batch() -> None:
    batches: list[list[int]] = []

    async def noting(items: list[int]) -> list[int]:
        batches.append(items)
        return await double(items)

    batcher = Batcher(noting, max_size=3)
    assert await asyncio.gather(*(batcher.add(n) for n in range(7))) == [0, 2, 4, 6, 8, 10, 12]
    assert max(map(len, batches)) == 3
    assert await batcher.add(9) == 18


async def test_a_batch_that_fails_does_not_affect_the_next() -> None:
    batcher = Batcher(not_13)
    with pytest.raises(ValueError, match="13"):
        await batcher.add(13)
    assert await batcher.add(14) == 14


async def test_an_error_is_raised_for_the_whole_batch() -> None:
    batcher = Batcher(not_13)
    results = await asyncio.gather(*map(batcher.add, (12, 13, 14)), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError] * 3


async def test_a_replayed_batch_fails_only_what_fails_alone() -> None:
    batcher = Batcher(not_13, replays=lambda error: isinstance(error, ValueError))
    results = await asyncio.gather(*map(batcher.add, (12, 13, 14)), return_exceptions=True)
    assert [type(result) for result in results] == [int, ValueError, int]


async def test_an_item_cancelled_in_the_queue_is_not_executed() -> None:
    done: list[int] = []

    async def noting(items: list[int]) -> list[int]:
        done.extend(items)
        return await double(items)

    batcher = Batcher(noting, max_size=1, lanes=1)
    first, given_up, last = map(batcher.add, (1, 2, 3))
    given_up.cancel()
    assert (await first, await last, batcher.queued) == (2, 6, 0)
    assert done == [1, 3]


async def test_the_age_of_the_oldest_queued_item_is_known() -> None:
    gate = asyncio.Event()

    async def wait(items: list[int]) -> list[int]:
        await gate.wait()
        return items

    batcher = Batcher(wait, lanes=1)
    first, second = batcher.add(1), batcher.add(2)
    await asyncio.sleep(0.02)
    # Both are queued until the lane begins with them, as one batch.
    third = batcher.add(3)
    assert batcher.queued == 1 and 0 <= batcher.oldest_seconds() < 0.02
    await asyncio.sleep(0.02)
    assert batcher.oldest_seconds() >= 0.02
    gate.set()
    assert list(await asyncio.gather(first, second, third)) == [1, 2, 3]
    assert batcher.oldest_seconds() == 0
