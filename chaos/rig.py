"""What a rig is, what it is told, and the figure it comes back with."""

import random
from collections.abc import Callable, Coroutine
from pathlib import Path

from msgspec import Struct


class RigSettings(Struct, frozen=True, kw_only=True):
    """How a rig is to run. `folder` is an empty one that is removed after the run; `n` is how
    often, None for the rig's own number; `short` asks for what a test has time for."""

    folder: Path
    n: int | None = None
    seed: int = 1
    short: bool = False
    say: Callable[[str], None] = lambda _: None

    def trials(self, long: int, short: int) -> int:
        """How often: as told, else the rig's number for a run of this length."""
        return self.n if self.n is not None else short if self.short else long

    def random(self) -> random.Random:
        """The dice of this run: the same seed throws the same."""
        return random.Random(self.seed)


class Figure(Struct, frozen=True, kw_only=True):
    """What a rig measured. `ok` says whether its goal was reached; `line` says it in words, with
    the counts; `params` are the numbers it ran with."""

    rig: str
    params: dict[str, int | str]
    counts: dict[str, int | float]
    ok: bool
    line: str


class Rig(Struct, frozen=True):
    """A rig as `python -m chaos` finds it: a module of this package has one, named RIG.

    `title` says what is done to the server, `goal` the figure to reach; both go in the table.
    """

    name: str
    title: str
    goal: str
    run: Callable[[RigSettings], Coroutine[object, object, Figure]]
