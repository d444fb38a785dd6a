"""A temporary PostgreSQL server for a test run or a benchmark."""

import asyncio
import os
import secrets
import shutil
import subprocess
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.support import binaries
from tests.support.ports import free_port

# Tests need no durability. `fsync=True` keeps PostgreSQL's defaults.
UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
ALWAYS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "max_connections": "200",
    "shared_buffers": "'128MB'",
    "timezone": "'UTC'",
    "max_wal_size": "'2GB'",
}
ATTEMPTS = 5


class Postgres:
    """One cluster on a free port of 127.0.0.1, with a password, in a temporary directory.

    `settings` are those of postgresql.conf, values quoted as there. The cluster also ends within a
    second when the process `owner` (by default this one) ends without calling `stop`.
    """

    def __init__(
        self,
        *,
        fsync: bool = False,
        settings: Mapping[str, str] | None = None,
        needs: tuple[str, ...] = binaries.NEEDED,
        owner: int | None = None,
    ) -> None:
        self.settings = ALWAYS | ({} if fsync else UNSAFE_SETTINGS) | dict(settings or {})
        self.needs = needs
        self.owner = owner or os.getpid()
        self.url = ""
        self.bin = Path()
        self.directory = Path()
        self._run_as = binaries.unprivileged()

    def start(self) -> "Postgres":
        """Create the cluster and wait until it accepts connections; sets `url` and `bin`."""
        self.directory = binaries.new_directory(self._run_as)
        try:
            self.bin = binaries.find(self._run_as, self.directory, self.needs)
            password = self._initdb()
            self._start_on_a_free_port(password)
        except BaseException:
            self.stop()
            raise
        self._end_with_owner()
        return self

    def stop(self) -> None:
        """Stop the server and delete its directory; does nothing when called again."""
        remove(self.directory, self.bin)

    def restart_immediately(self) -> None:
        """Stop without a checkpoint, as in a crash, and start again on the same port."""
        self._pg_ctl("restart", "-m", "immediate")

    def new_database(self, template: str = "template1") -> str:
        """The URL of a new database, a copy of `template` (a database's name)."""
        return new_database(self.url, template)

    def _initdb(self) -> str:
        password = secrets.token_hex(16)
        secret = self.directory / "password"
        secret.write_text(password)
        self._run_as.chown(secret)
        self._run_as.run(
            *(self.bin / "initdb", "-D", self._data, "-U", "koine", f"--pwfile={secret}"),
            *("--auth=password", "--encoding=UTF8", "--no-locale", "--no-sync"),
        )
        return password

    def _start_on_a_free_port(self, password: str) -> None:
        conf = self._data / "postgresql.conf"
        lines = "".join(f"{name} = {value}\n" for name, value in self.settings.items())
        conf.write_text(f"{conf.read_text()}\n{lines}")
        for attempt in range(ATTEMPTS):
            port = free_port()
            try:
                self._pg_ctl("start", "-o", f"-p {port}")
            except RuntimeError:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                self.url = f"postgresql://koine:{password}@127.0.0.1:{port}/postgres"
                return

    def _pg_ctl(self, *arguments: str) -> None:
        log = self.directory / "log"
        paths = ("-D", self._data, "-l", log)
        try:
            self._run_as.run(self.bin / "pg_ctl", *paths, "-w", "-t", "60", *arguments)
        except RuntimeError as error:
            lines = log.read_text() if log.exists() else ""
            raise RuntimeError(f"{error}\n{lines[-2000:]}") from None

    def _end_with_owner(self) -> None:
        subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "sh", str(self.owner), self.directory, self.bin, self._data],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )

    @property
    def _data(self) -> Path:
        return self.directory / "data"


# SIGQUIT stops the postmaster at once; the first line of the pid file is its process id.
_WATCH = """
while kill -0 "$1" && [ -d "$2" ]; do sleep 1; done
[ -f "$4/postmaster.pid" ] && kill -QUIT "$(head -n 1 "$4/postmaster.pid")" && sleep 1
[ -d "$2" ] && rm -rf "$2"
"""


def remove(directory: Path, bin_dir: Path) -> None:
    """Stop the cluster in `directory`, if it runs, and delete the directory."""
    data = directory / "data"
    if (data / "postmaster.pid").exists():
        run_as = binaries.unprivileged()
        run_as.run(bin_dir / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop", check=False)
    if directory != Path():
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def running_postgres(
    *, fsync: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[Postgres]:
    """A cluster that runs while the context is open."""
    server = Postgres(fsync=fsync, settings=settings).start()
    try:
        yield server
    finally:
        server.stop()


def new_database(url: str, template: str = "template1") -> str:
    """Create a database on the server at `url` as a copy of `template`; return its URL."""
    name = f"koine_test_{secrets.token_hex(6)}"
    execute(url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return at_database(url, name)


def drop_database(url: str) -> None:
    """Drop the database that `url` names, and close its connections."""
    execute(at_database(url, "postgres"), f'DROP DATABASE "{database_of(url)}" WITH (FORCE)')


def at_database(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def database_of(url: str) -> str:
    """The name of the database in a URL."""
    return urlsplit(url).path.removeprefix("/")


def execute(url: str, statement: str) -> None:
    """Run one statement from synchronous code."""
    run_in_thread(_execute(url, statement))


def run_in_thread(coroutine: Coroutine[object, object, None]) -> None:
    """Run a coroutine in a thread with its own event loop: this one may already have one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, coroutine).result()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
