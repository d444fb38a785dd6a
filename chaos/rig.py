"""The types of a rig: its settings, and the figure that it returns."""

import random
from collections.abc import Callable, Coroutine
from pathlib import Path

from msgspec import Struct


class RigSettings(Struct, frozen=True, kw_only=True):
    """How to run a rig. `folder` is empty, and deleted after the run; `n` is the number of trials
    (None: the rig's own number); `short` asks for a run as short as a test; `log` takes a line of
    progress."""

    folder: Path
    n: int | None = None
    seed: int = 1
    short: bool = False
    log: Callable[[str], None] = lambda _: None

    def trials(self, long: int, short: int) -> int:
        """The number of trials: `n` if it is given, else one of the rig's two numbers."""
        return self.n if self.n is not None else short if self.short else long

    def random(self) -> random.Random:
        """A random generator with the seed of this run, so that a run can be repeated."""
        return random.Random(self.seed)


class Figure(Struct, frozen=True, kw_only=True):
    """What a rig measured. `ok`: it reached its goal; `line`: the counts as a sentence, for the
    page of figures; `params`: the numbers it ran with."""

    rig: str
    params: dict[str, int | str]
    counts: dict[str, int | float]
    ok: bool
    line: str


class Rig(Struct, frozen=True):
    """A rig as `python -m chaos` finds it: the value RIG of a module of this package.

    `title` says what is done to the server, `goal` which figure is to be reached; both are cells
    of the table in docs/figures.md.
    """

    name: str
    title: str
    goal: str
    run: Callable[[RigSettings], Coroutine[object, object, Figure]]
