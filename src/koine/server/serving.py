"""What each serving process opens and closes, whether it is alone or one of several workers."""

import gc
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

from koine.engine import sealed_secrets
from koine.engine.core.engine import Engine, open_engine
from koine.engine.maintenance.maintenance import maintenance_jobs
from koine.kit import logs
from koine.kit.clock import SystemClock
from koine.kit.settings import BadSetting, Settings
from koine.model.errors import Conflict, Unavailable
from koine.server.app import create_app, readiness_checks
from koine.server.backup.scheduled import scheduled_backups
from koine.server.database import StartupError, open_database
from koine.server.followers import run_followers
from koine.server.move.marks import require_not_moved
from koine.server.observability import sending_traces
from koine.server.sampler import sampling
from koine.server.shutdown import CloseConnectionMiddleware
from koine.server.webhook_formats import webhook_formats
from koine.store import schema
from koine.store.core.db import AlreadyServed, MissingRight

START_ERRORS: tuple[type[Exception], ...] = (
    StartupError,
    AlreadyServed,
    schema.WrongSchema,
    MissingRight,
    BadSetting,
    Conflict,
    Unavailable,
    OSError,
)
"""What keeps a server from starting and is no error in the program."""


def reason_not_started(error: BaseException) -> str:
    """One of START_ERRORS, in words for an operator and without secrets."""
    match error:
        case Unavailable():
            return "the database does not answer: see `koine doctor`"
        case Conflict(message=message):
            return message
        case OSError(filename=str(name), strerror=str(reason)):
            return f"{name}: {reason}"
        case _:
            return logs.redact(str(error))


@asynccontextmanager
async def serving_app(
    settings: Settings,
) -> AsyncIterator[tuple[Engine, CloseConnectionMiddleware]]:
    """The engine and the application over it; the background work of a serving process is done
    while the context is open. Raises as `serving_engine`."""
    with sending_traces(settings):
        async with (
            serving_engine(settings) as engine,
            maintenance_jobs(engine),
            run_followers(engine) as realtime,
        ):
            ready = readiness_checks(engine, realtime)
            async with sampling(engine, realtime, ready), scheduled_backups(engine):
                app = create_app(engine, realtime, ready)
                yield engine, CloseConnectionMiddleware(app, engine.shutdown_signal)


@asynccontextmanager
async def serving_engine(settings: Settings) -> AsyncIterator[Engine]:
    """An engine over the database of the settings, which this process serves while it is open. It
    is waited for as the settings say.

    Raises StartupError, AlreadyServed (another process serves this SQLite file), WrongSchema,
    MissingRight.
    """
    db = await open_database(settings, wait_seconds=settings.database_wait_seconds)
    try:
        db.claim_serving()
        await schema.migrate(db)
        await require_not_moved(db, settings)
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


def configure_log(settings: Settings) -> None:
    """Log as the settings say."""
    json = settings.log_format == "json" or (settings.log_format == "auto" and not os.isatty(2))
    logs.configure(settings.log_level, json=json)


def freeze_gc() -> None:
    """Exclude what start-up has allocated, and keeps, from garbage collection."""
    gc.collect()
    gc.freeze()


def end_process(code: int, message: str = "") -> NoReturn:
    """End this process at once, with a message on standard error if there is one.

    By now everything of ours is closed. What may still run are threads that look up host names, of
    ours and of libuv; an ordinary exit would wait for them as long as a name server is silent.
    """
    if message:
        sys.stderr.write(f"{message}\n")
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
