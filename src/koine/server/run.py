"""Serve until a signal: in this process, or in several worker processes."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import structlog
import uvloop
from msgspec import structs

from koine import __version__
from koine.demo.create import demonstration
from koine.demo.output import summary
from koine.engine.core.engine import Engine
from koine.kit import private_files
from koine.kit.settings import Settings, load
from koine.server.data_folder import make_data_folder
from koine.server.database import database_name
from koine.server.listener import Server, bind_listener, listen, uvicorn_config
from koine.server.observability import open_metrics_listeners, sending_traces, serving_metrics
from koine.server.preflight import check_database_before_start, check_machine, raise_fatal
from koine.server.rlimits import raise_file_limit
from koine.server.secret_check import check_secrets
from koine.server.serving import (
    START_ERRORS,
    configure_log,
    end_process,
    freeze_gc,
    reason_not_started,
    serving_app,
    serving_engine,
)
from koine.server.shutdown import GracefulShutdown
from koine.server.workers import Supervisor, WorkerFailed

_log = structlog.get_logger("koine")


def main() -> None:
    """Serve with the settings of the environment: `koine serve` replaces its process by this one.

    Ends the process: with 0 after a signal, with 1 and a message when it cannot start, with the
    exit code of a worker where that cannot.
    """
    try:
        serve(load(os.environ))
    except WorkerFailed as error:
        end_process(error.exit_code, f"koine: {error}")
    except START_ERRORS as error:
        end_process(1, f"koine: {reason_not_started(error)}")
    except KeyboardInterrupt:
        end_process(130)
    end_process(0)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; then the process should end by `end_process`.

    Raises START_ERRORS.
    """
    configure_log(settings)
    raise_file_limit()
    check_machine(settings)
    make_data_folder(settings)
    _restrict_uploads(settings)
    with bind_listener(settings) as listener, open_metrics_listeners(settings) as metrics_listeners:
        settings = structs.replace(settings, port=listener.getsockname()[1])
        # Not closed: that would wait for look-ups of host names.
        loop = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        loop.run(check_database_before_start(settings))
        listen(listener, settings)
        if settings.workers == 1:
            with serving_metrics(metrics_listeners):
                loop.run(_serve_alone(settings, listener))
            return
        loop.run(_migrate_first(settings))
        Supervisor(settings, listener, metrics_listeners).run()


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


async def _serve_alone(settings: Settings, listener: socket.socket) -> None:
    async with serving_app(settings) as (engine, app):
        graceful_shutdown = GracefulShutdown(
            engine.shutdown_signal, settings.drain_seconds, listener
        )
        server = Server(uvicorn_config(settings, app, lifespan="off"), graceful_shutdown.install)
        # The socket listens already: clients that connect now are served in a moment.
        await _print_startup(engine)
        freeze_gc()
        await server.serve(sockets=[listener])


async def _migrate_first(settings: Settings) -> None:
    """Migrate once, before the workers start: an error is then printed once, not by each."""
    with sending_traces(settings):
        async with serving_engine(settings) as engine:
            await _print_startup(engine)


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
