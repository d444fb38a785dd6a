"""The types of a rig: its settings, and the figure that it returns."""

import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from tests.support.postgres import running_postgres

T = TypeVar("T")
FEW_CONVERSATIONS = 60
"""Of a short run: it ends before a contact reaches the limit of messages a minute (inbox.md, F)."""


class RigSettings(Struct, frozen=True, kw_only=True):
    """How to run a rig. `folder` is empty, and deleted after the run; `n` is the number of trials
    (None: the rig's own number); `short` asks for a run as short as a test; `log` takes a line of
    progress. `new_database` creates a PostgreSQL database and returns its URL; None lets the rig
    start a server of its own."""

    folder: Path
    n: int | None = None
    seed: int = 1
    short: bool = False
    log: Callable[[str], None] = lambda _: None
    new_database: Callable[[], str] | None = None

    def trials(self, long: int, short: int) -> int:
        """The number of trials: `n` if it is given, else one of the rig's two numbers."""
        return self.n if self.n is not None else short if self.short else long

    def pick(self, long: T, short: T) -> T:
        """The value for a run of this length."""
        return short if self.short else long

    @contextmanager
    def databases(self, *, fsync: bool = False) -> Iterator[Callable[[], str]]:
        """Yields `new_database`, or that of a server that runs while the context is open; `fsync`
        makes the commits of such a server durable."""
        if self.new_database is not None:
            yield self.new_database
            return
        with running_postgres(fsync=fsync) as cluster:
            yield cluster.new_database

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
