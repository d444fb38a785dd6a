"""One PostgreSQL for a whole test run, however many processes run it, and only if one asks.

The first process in need starts it, under a file lock, and writes down where it is; the process
that began the run (pytest, or xdist's controller) removes it.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import postgres

OVERRIDE = "KOINE_TEST_POSTGRES_URL"

MakeSchema = Callable[[str], Coroutine[object, object, None]]
"""Given a database's URL, makes Koine's tables in it."""


class SharedPostgres:
    """The run's PostgreSQL, as seen by each of its processes; `directory` is what they share."""

    def __init__(self, directory: Path, owner: int) -> None:
        self.directory = directory
        self.owner = owner
        self._mine: list[str] = []

    def new_database(self, make_schema: MakeSchema) -> str:
        """The URL of a new database with Koine's tables."""
        with self._state() as state:
            url = self._server(state)
            if "template" not in state:
                made = postgres.new_database(url)
                postgres.run(make_schema(made))
                state["template"] = postgres.database_of(made)
        made = postgres.new_database(url, state["template"])
        self._mine.append(made)
        return made

    def new_empty_database(self) -> str:
        """The URL of a new database without tables, for tests of migrations."""
        with self._state() as state:
            made = postgres.new_database(self._server(state))
        self._mine.append(made)
        return made

    def programs(self) -> str:
        """The folder of the server's own pg_dump and pg_restore; "" (the search path) for a server
        that is not ours."""
        with self._state() as state:
            self._server(state)
            return state.get("bin", "")

    def drop_mine(self) -> None:
        """Drop what this process made; called at its end, when the server is not ours to remove."""
        while os.environ.get(OVERRIDE) and self._mine:
            postgres.drop_database(self._mine.pop())

    def remove(self) -> None:
        """End the server, for the process that began the run."""
        with self._state() as state:
            if "directory" in state:
                postgres.remove(Path(state["directory"]), Path(state["bin"]))
            elif "template" in state:
                postgres.drop_database(postgres.at_database(state["url"], state["template"]))
        shutil.rmtree(self.directory, ignore_errors=True)

    def _server(self, state: dict[str, str]) -> str:
        if "url" not in state and (existing := os.environ.get(OVERRIDE)):
            state["url"] = existing
        if "url" not in state:
            server = postgres.Postgres(owner=self.owner).start()
            state["url"] = server.url
            state["directory"], state["bin"] = str(server.directory), str(server.bin)
        return state["url"]

    @contextmanager
    def _state(self) -> Iterator[dict[str, str]]:
        path = self.directory / "state.json"
        with (self.directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = json.loads(path.read_text()) if path.exists() else {}
            try:
                yield state
            finally:
                path.write_text(json.dumps(state))


def begin() -> SharedPostgres:
    """For the process that begins the run: nothing is started yet."""
    return SharedPostgres(Path(tempfile.mkdtemp(prefix="koine-tests-")), os.getpid())
