"""One PostgreSQL server for all processes of a test run, started only if a test needs it.

The first process that needs it starts it, under a file lock, and writes its URL to a file; the
process that started the run (pytest, or xdist's controller) stops it.
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
"""Creates Koine's tables in the database with this URL."""


class SharedPostgres:
    """The run's PostgreSQL, for each of its processes; they share the state in `directory`."""

    def __init__(self, directory: Path, owner: int) -> None:
        self.directory = directory
        self.owner = owner
        self._created: list[str] = []

    def new_database(self, make_schema: MakeSchema) -> str:
        """The URL of a new database with Koine's tables."""
        with self._state() as state:
            url = self._server(state)
            if "template" not in state:
                template = postgres.new_database(url)
                postgres.run_in_thread(make_schema(template))
                state["template"] = postgres.database_of(template)
        created = postgres.new_database(url, state["template"])
        self._created.append(created)
        return created

    def new_empty_database(self) -> str:
        """The URL of a new database without tables, for tests of migrations."""
        with self._state() as state:
            created = postgres.new_database(self._server(state))
        self._created.append(created)
        return created

    def programs(self) -> str:
        """The folder of the server's pg_dump and pg_restore; "" (the search path) for a server that
        KOINE_TEST_POSTGRES_URL names."""
        with self._state() as state:
            self._server(state)
            return state.get("bin", "")

    def drop_created(self) -> None:
        """Drop the databases of this process, on a server that outlives the run."""
        while os.environ.get(OVERRIDE) and self._created:
            postgres.drop_database(self._created.pop())

    def remove(self) -> None:
        """Stop the server; called by the process that started the run."""
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


def new_run() -> SharedPostgres:
    """The state of a new run, whose server is not started yet."""
    return SharedPostgres(Path(tempfile.mkdtemp(prefix="koine-tests-")), os.getpid())
