"""Serve until a signal: in this process, or in several worker processes."""

import asyncio
import gc
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
import uvloop
from msgspec import structs

from koine import __version__
from koine.demo.create import demonstration
from koine.demo.output import summary
from koine.engine import sealed_secrets
from koine.engine.core.engine import Engine, open_engine
from koine.engine.maintenance.maintenance import maintenance_jobs
from koine.http.request import Receive, Scope, Send
from koine.kit import logs, private_files
from koine.kit.clock import SystemClock
from koine.kit.settings import BadSetting, Settings, environment, load
from koine.model.errors import Conflict, Unavailable
from koine.server.app import create_app, readiness_checks
from koine.server.database import StartupError, database_name, open_database
from koine.server.followers import run_followers
from koine.server.listener import Server, open_listener, uvicorn_config
from koine.server.observability import observability
from koine.server.preflight import check_start, raise_fatal
from koine.server.rlimits import raise_file_limit
from koine.server.sampler import sampling
from koine.server.secret_check import check_secrets
from koine.server.shutdown import CloseConnectionMiddleware, GracefulShutdown
from koine.server.webhook_formats import webhook_formats
from koine.server.workers import Supervisor
from koine.store import schema
from koine.store.core.db import AlreadyServed

_log = structlog.get_logger("koine")


def main() -> None:
    """Serve with the settings of the environment: `koine serve` replaces its process by this one.

    Exits with 0 after a signal, with 1 and a message when it cannot start.
    """
    try:
        serve(load(os.environ))
    except (StartupError, AlreadyServed, schema.WrongSchema, BadSetting) as error:
        sys.exit(f"koine: {error}")
    except Conflict as refusal:
        sys.exit(f"koine: {refusal.message}")
    except Unavailable:
        sys.exit("koine: the database does not answer: see `koine doctor`")
    except KeyboardInterrupt:
        sys.exit(130)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises StartupError, AlreadyServed, WrongSchema, Unavailable; with `demo` Conflict, too.
    """
    _configure_log(settings)
    raise_file_limit()
    asyncio.run(check_start(settings))
    _restrict_uploads(settings)
    with open_listener(settings) as listener:
        settings = structs.replace(settings, port=listener.getsockname()[1])
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            if settings.workers == 1:
                loop.run(_serve_alone(settings, listener))
                return
            loop.run(_migrate_first(settings))
        _serve_many(settings, listener)


def _restrict_uploads(settings: Settings) -> None:
    """Restrict the uploads that older versions left readable for the machine's other accounts."""
    folder = Path(settings.data_dir) / "files"
    try:
        if private_files.restrict(folder):
            _log.info(
                "uploads were readable by other accounts and have been restricted",
                folder=str(folder),
            )
    except OSError as error:
        _log.warning(
            "uploads are readable by other accounts and could not be restricted",
            folder=str(folder),
            error=str(error),
        )


def create_worker_app() -> "WorkerApp":
    """Create the application of a worker process, for uvicorn; the environment has the settings."""
    settings = load(os.environ)
    _configure_log(settings)
    return WorkerApp(settings)


class WorkerApp:
    """The application of a worker process, which opens its database in the ASGI lifespan."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app: CloseConnectionMiddleware | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with serving_app(self._settings) as (engine, self._app):
            _freeze_gc()
            GracefulShutdown(engine.shutdown_signal, self._settings.drain_seconds, None).install()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


async def _serve_alone(settings: Settings, listener: socket.socket) -> None:
    async with serving_app(settings) as (engine, app):
        graceful_shutdown = GracefulShutdown(
            engine.shutdown_signal, settings.drain_seconds, listener
        )
        server = Server(uvicorn_config(settings, app, lifespan="off"), graceful_shutdown.install)
        # The socket listens already: clients that connect now are served in a moment.
        await _print_startup(engine)
        _freeze_gc()
        await server.serve(sockets=[listener])


async def _migrate_first(settings: Settings) -> None:
    """Migrate once, before the workers start: an error is then printed once, not by each."""
    with observability(settings):
        async with serving_engine(settings) as engine:
            await _print_startup(engine)


def _serve_many(settings: Settings, listener: socket.socket) -> None:
    os.environ.update(environment(settings))
    factory = "koine.server.run:create_worker_app"
    config = uvicorn_config(settings, factory, lifespan="on", workers=settings.workers)
    workers = Supervisor(config, listener, settings.drain_seconds)
    workers.run()
    if workers.failed:
        raise StartupError("a worker could not start: the log says why")


async def _print_startup(engine: Engine) -> None:
    """Print the server's URL and, with `demo`, the credentials of the demonstration; log which
    secrets cannot be opened."""
    settings = engine.settings
    raise_fatal(await check_secrets(engine.db, settings, thorough=False))
    url, where = settings.public_url(), database_name(settings)
    if settings.demo:
        kept = await demonstration(engine, url)
        sys.stdout.write(summary(kept.demo, url, settings.data_dir))
    sys.stdout.write(f"\nKoine serves {url}, and its API documents at {url}/docs\n")
    sys.stdout.flush()
    _log.info(
        "the server is starting",
        url=url,
        database=where,
        workers=settings.workers,
        version=__version__,
    )


@asynccontextmanager
async def serving_app(
    settings: Settings,
) -> AsyncIterator[tuple[Engine, CloseConnectionMiddleware]]:
    """The engine and the application over it; the background work of a serving process is done
    while the context is open. Raises as `serving_engine`."""
    with observability(settings):
        async with (
            serving_engine(settings) as engine,
            maintenance_jobs(engine),
            run_followers(engine) as realtime,
        ):
            ready = readiness_checks(engine, realtime)
            async with sampling(engine, realtime, ready):
                app = create_app(engine, realtime, ready)
                yield engine, CloseConnectionMiddleware(app, engine.shutdown_signal)


@asynccontextmanager
async def serving_engine(settings: Settings) -> AsyncIterator[Engine]:
    """An engine over the database of the settings, which this process serves while it is open.

    Raises StartupError, AlreadyServed (another process serves this SQLite file), WrongSchema.
    """
    db = await open_database(settings)
    try:
        db.claim_serving()
        await schema.migrate(db)
        formats = webhook_formats(settings.public_url())
        engine = await open_engine(db, SystemClock(), settings, formats)
        try:
            await sealed_secrets.seal_clear_tokens(engine)
            yield engine
        finally:
            await engine.background.close()
            await engine.outbound.close()
    finally:
        await db.close()


def _configure_log(settings: Settings) -> None:
    json = settings.log_format == "json" or (settings.log_format == "auto" and not os.isatty(2))
    logs.configure(settings.log_level, json=json)


def _freeze_gc() -> None:
    """Exclude what start-up has allocated, and keeps, from garbage collection."""
    gc.collect()
    gc.freeze()
