"""Put the floors together and serve them: one process, or several on one PostgreSQL."""

import asyncio
import errno
import gc
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import structlog
import uvicorn
import uvloop
from msgspec import structs
from uvicorn.supervisors.multiprocess import Multiprocess

from koine import __version__
from koine.demo.making import demonstration
from koine.demo.showing import shown
from koine.dialects.chats import Chats
from koine.dialects.delivery import Delivery
from koine.dialects.helpdesk import Helpdesk
from koine.dialects.inbox import InboxDialect
from koine.dialects.native import Native
from koine.engine import engine as engines
from koine.engine.engine import Engine
from koine.http import app as http
from koine.http.call import Receive, Scope, Send
from koine.http.dialect import Dialect
from koine.http.health import Check
from koine.http.ledger import Answers
from koine.kit import logs
from koine.kit.clock import SystemClock
from koine.kit.settings import BadSetting, Settings, environment, load
from koine.model.errors import Conflict, Unavailable
from koine.store import schema
from koine.store.db import AlreadyServed, Database
from koine.store.postgres import PostgresDatabase
from koine.store.sqlite import SqliteDatabase

GRACE_SECONDS = 10
"""How long requests under way may take when the server is told to stop."""
BACKLOG = 2048

_log = structlog.get_logger("koine")


class CannotStart(Exception):
    """The server or the database cannot be had; the message says why and what to do."""


def dialects() -> list[Dialect]:
    """Every dialect the server speaks, in the order they are shown."""
    return [Delivery(), Helpdesk(), Chats(), InboxDialect(), Native()]


async def open_database(settings: Settings) -> Database:
    """The database of the settings, connected; its tables are not looked at.

    Raises CannotStart.
    """
    where = database_name(settings)
    try:
        if is_postgres(settings):
            return await PostgresDatabase.open(settings.database_url, settings.pool_size)
        return await SqliteDatabase.open(sqlite_path(settings))
    except Unavailable:
        raise CannotStart(f"the database at {where} does not answer: is it running?") from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise CannotStart(f"the database at {where} refuses us: {error}") from None
    except (OSError, RuntimeError) as error:
        raise CannotStart(f"cannot open the database at {where}: {error}") from None


def is_postgres(settings: Settings) -> bool:
    """Whether the settings name a PostgreSQL server, not a SQLite file."""
    return settings.database_url.startswith("postgres")


def sqlite_path(settings: Settings) -> Path:
    """The SQLite file of the settings."""
    named = settings.database_url.removeprefix("sqlite:///")
    return Path(named) if named else Path(settings.data_dir) / "koine.db"


def database_name(settings: Settings) -> str:
    """Where the database is, for a person to read: without its password."""
    if not is_postgres(settings):
        return str(sqlite_path(settings))
    parts = urlsplit(settings.database_url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Engine]:
    """An engine over the settings' database, which this process serves while the context is open.

    Raises CannotStart, AlreadyServed (another process serves this SQLite file), WrongSchema.
    """
    db = await open_database(settings)
    try:
        db.claim_serving()
        await schema.migrate(db)
        yield await engines.start(db, SystemClock(), settings)
    finally:
        await db.close()


def application(engine: Engine) -> http.App:
    """Every dialect, on one engine."""

    async def ready() -> Sequence[Check]:
        return await _checks(engine.db)

    return http.build(dialects(), engine, engine.settings, ready=ready, ledger=Answers(engine))


def main() -> None:
    """Serve with the settings of the environment: what `koine serve` becomes.

    Exits 0 when told to stop, 1 with a sentence when it cannot start.
    """
    try:
        serve(load(os.environ))
    except (CannotStart, AlreadyServed, schema.WrongSchema, BadSetting) as error:
        sys.exit(f"koine: {error}")
    except Conflict as refusal:
        sys.exit(f"koine: {refusal.message}")
    except Unavailable:
        sys.exit("koine: the database does not answer: see `koine doctor`")
    except KeyboardInterrupt:
        sys.exit(130)


def serve(settings: Settings) -> None:
    """Serve until told to stop (SIGTERM, Ctrl-C).

    Raises CannotStart, AlreadyServed, WrongSchema, Unavailable; with `demo` Conflict, too.
    """
    _configure_log(settings)
    if settings.workers > 1 and not is_postgres(settings):
        raise CannotStart(
            "several workers need PostgreSQL, a SQLite file is served by one process: "
            "use --workers 1 or --database postgresql://…"
        )
    with _listening(settings) as listener:
        settings = structs.replace(settings, port=listener.getsockname()[1])
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            if settings.workers == 1:
                loop.run(_serve_alone(settings, listener))
                return
            loop.run(_prepare(settings))
        _serve_many(settings, listener)


def worker() -> "Worker":
    """One of several processes' application; uvicorn calls it, the environment has the settings."""
    settings = load(os.environ)
    _configure_log(settings)
    return Worker(settings)


class Worker:
    """An ASGI application that opens its database when it is started."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app: http.App | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with running(self._settings) as engine:
            self._app = application(engine)
            _settle()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


class _Server(uvicorn.Server):
    """A uvicorn whose stop by a signal is a success."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            yield
            # Else the signal is raised again, and ends us before the database is closed.
            self._captured_signals.clear()


async def _serve_alone(settings: Settings, listener: socket.socket) -> None:
    async with running(settings) as engine:
        app = application(engine)
        server = _Server(_config(settings, app, lifespan="off"))
        # The socket listens already: whoever connects now is answered in a moment.
        await _announce(engine)
        _settle()
        await server.serve(sockets=[listener])


async def _prepare(settings: Settings) -> None:
    """Find out, before there are workers to fail one by one, that the database can be had."""
    async with running(settings) as engine:
        await _announce(engine)


def _serve_many(settings: Settings, listener: socket.socket) -> None:
    os.environ.update(environment(settings))
    config = _config(settings, "koine.main:worker", lifespan="on", workers=settings.workers)
    Multiprocess(config, [listener]).run()


async def _announce(engine: Engine) -> None:
    """Say where the server is, with the demonstration's keys if it is to have one."""
    settings = engine.settings
    url, where = settings.public_url(), database_name(settings)
    if settings.demo:
        kept = await demonstration(engine, url)
        sys.stdout.write(shown(kept.demo, url))
    sys.stdout.write(f"\nKoine serves {url}, and its API documents at {url}/docs\n")
    sys.stdout.flush()
    _log.info("serving", url=url, database=where, workers=settings.workers, version=__version__)


async def _checks(db: Database) -> list[Check]:
    try:
        await db.ping()
    except Unavailable:
        return [Check("database", False, "the database does not answer")]
    try:
        await schema.check(db)
    except schema.WrongSchema as error:
        return [Check("database", True), Check("schema", False, str(error))]
    return [Check("database", True), Check("schema", True)]


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """The listening socket, taken before anything else is. Raises CannotStart."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        made = socket.create_server(
            (settings.host, settings.port), family=family, backlog=BACKLOG, reuse_port=False
        )
    except (OSError, OverflowError) as error:
        where = f"{settings.host}:{settings.port}"
        raise CannotStart(
            f"cannot listen on {where}: {_reason(error)} (choose another with --port)"
        ) from None
    with made:
        made.set_inheritable(True)
        yield made


def _reason(error: Exception) -> str:
    known = error.errno if isinstance(error, OSError) else None
    return os.strerror(known) if known in errno.errorcode else str(error)


def _config(
    settings: Settings, app: http.App | str, lifespan: str, workers: int = 1
) -> uvicorn.Config:
    debug = settings.log_level == "debug"
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        lifespan="on" if lifespan == "on" else "off",
        loop="uvloop",
        http="httptools",
        ws="auto",
        log_config=None,
        log_level=None if debug else "warning",
        access_log=debug,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _configure_log(settings: Settings) -> None:
    json = settings.log_format == "json" or (settings.log_format == "auto" and not os.isatty(2))
    logs.configure(settings.log_level, json=json)
    if settings.log_level != "debug":
        logging.getLogger("alembic").setLevel(logging.WARNING)


def _settle() -> None:
    """What is there now stays: the collector need not look at it again."""
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    main()
