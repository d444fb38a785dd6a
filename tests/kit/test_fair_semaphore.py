"""Turns: few at once, group after group, caller after caller, bounded, and none is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from koine.kit.turns import Bounds, Full, Turns

ONE = Bounds(at_once=1, of_group=1, of_caller=1)


class Play:
    """Who had a turn, in order; each holds it until it is let go."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.had: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.gate = asyncio.Event()

    async def come(self, *names: str) -> None:
        """Names are "group caller"; they come one after the other."""
        for name in names:
            self.tasks.append(asyncio.create_task(self._take(name)))
            await asyncio.sleep(0)

    async def end(self) -> list[str]:
        """Let all go, and wait for them."""
        self.gate.set()
        await asyncio.wait_for(asyncio.gather(*self.tasks, return_exceptions=True), 10)
        return self.had

    async def _take(self, name: str) -> None:
        group, caller = name.split()
        async with self.turns.turn(group, caller):
            self.had.append(name)
            await self.gate.wait()


@asynccontextmanager
async def all_taken(turns: Turns) -> AsyncIterator[None]:
    async with turns.turn("x", "x"):
        yield


async def test_groups_and_their_callers_have_turns_one_after_the_other() -> None:
    play = Play(Turns(ONE))
    await play.come("a 1", "a 1", "a 1", "a 2", "b 1", "b 1")
    assert await play.end() == ["a 1", "a 1", "b 1", "a 2", "b 1", "a 1"]
    assert play.turns.waiting == 0


async def test_one_group_leaves_others_room(play_bounds: Bounds) -> None:
    play = Play(Turns(play_bounds))
    await play.come("a 1", "a 1", "a 2", "a 3", "a 4", "b 1")
    assert play.had == ["a 1", "a 2", "b 1"]
    assert sorted(await play.end()) == ["a 1", "a 1", "a 2", "a 3", "a 4", "b 1"]


@pytest.fixture
def play_bounds() -> Bounds:
    return Bounds(at_once=3, of_group=2, of_caller=1)


async def test_who_comes_when_too_many_wait_is_told_so() -> None:
    turns = Turns(
        Bounds(at_once=1, of_group=1, of_caller=1, waiting=3, waiting_of_group=2, patience=30)
    )
    play = Play(turns)
    async with all_taken(turns):
        await play.come("a 1", "a 2")
        with pytest.raises(Full):
            async with turns.turn("a", "3"):
                pass
        await play.come("b 1")
        with pytest.raises(Full):
            async with turns.turn("c", "1"):
                pass
    assert await play.end() == ["a 1", "b 1", "a 2"]


async def test_who_waits_too_long_is_told_so_and_leaves_nothing_behind() -> None:
    turns = Turns(Bounds(at_once=1, of_group=1, of_caller=1, patience=0.01))
    async with all_taken(turns):
        with pytest.raises(Full):
            async with turns.turn("a", "1"):
                pass
        assert turns.waiting == 0
    async with turns.turn("a", "1"):
        pass


async def test_a_turn_given_to_one_who_is_gone_is_given_to_the_next() -> None:
    play = Play(Turns(ONE))
    async with all_taken(play.turns):
        await play.come("a 1", "a 2", "b 1", "b 2")
        play.tasks[0].cancel()
        await asyncio.sleep(0)
        play.tasks[2].cancel()  # still in the queue when the turn is given
    play.tasks[1].cancel()  # has the turn, and does not know it yet
    assert await play.end() == ["b 2"]
    assert play.turns.waiting == 0
    async with play.turns.turn("c", "1"):
        pass
