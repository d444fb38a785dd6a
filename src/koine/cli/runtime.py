"""Run a command's work on an engine of its own, also beside a running server."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from koine.cli.errors import CommandError
from koine.engine import tenants
from koine.engine.core.engine import Engine, open_engine
from koine.kit import logs
from koine.kit.clock import SystemClock
from koine.kit.daemon_threads import DaemonThreads
from koine.kit.settings import Settings
from koine.model.actor import Actor, operator
from koine.model.tenant import Tenant
from koine.server.database import StartupError, is_postgres, open_database, sqlite_path
from koine.server.move.marks import require_not_moved
from koine.server.webhook_formats import webhook_formats
from koine.store import schema
from koine.store.core.db import MissingRight

R = TypeVar("R")

_names = DaemonThreads(4, "names")


def run(
    settings: Settings, work: Callable[[Engine], Awaitable[R]], *, may_create: bool = False
) -> R:
    """What `work` returns, on an engine of its own that is closed after it.

    An empty database gets its tables; one of an older Koine is left to `koine migrate`. A file that
    is not there is only created if the command `may_create` it: beside a server whose database is
    elsewhere, a new file would look as if the command had worked. Raises CommandError when the
    database cannot be opened, and what `work` raises.
    """
    if not may_create:
        require_database(settings)
    return run_until_done(_run(settings, work))


def require_database(settings: Settings) -> None:
    """Raise CommandError where the settings name a file that is not there."""
    if not is_postgres(settings) and not sqlite_path(settings).exists():
        raise CommandError(
            f"there is no database {sqlite_path(settings)}: --database or --data names another, "
            "`koine tenant create` or `koine migrate` creates it"
        )


def run_in_tenant(
    settings: Settings, name: str | None, work: Callable[[Engine, Actor], Awaitable[R]]
) -> R:
    """As `run`, with the operator of the tenant of `--tenant`. Raises NotFound too."""

    async def in_tenant(engine: Engine) -> R:
        _, operator_actor = await resolve_tenant(engine, name)
        return await work(engine, operator_actor)

    return run(settings, in_tenant)


def run_until_done(work: Coroutine[object, object, R]) -> R:
    """What `work` returns, with only errors logged. Raises CommandError when the database cannot
    be opened or refuses a right, and what `work` raises."""
    logs.configure("error", json=False)
    try:
        with asyncio.Runner(loop_factory=_EventLoop) as runner:
            return runner.run(work)
    except (StartupError, schema.WrongSchema, MissingRight) as error:
        raise CommandError(str(error)) from None


class _EventLoop(asyncio.SelectorEventLoop):
    """Looks up host names on threads that nothing waits for: a command whose database's name server
    is silent ends when it has given up."""

    async def getaddrinfo(self, *args: Any, **kwargs: Any) -> Any:
        """As `socket.getaddrinfo`."""
        return await asyncio.wrap_future(_names.submit(socket.getaddrinfo, *args, **kwargs))


async def resolve_tenant(engine: Engine, name: str | None) -> tuple[Tenant, Actor]:
    """The tenant of `--tenant`, and its operator. Raises NotFound, CommandError."""
    if name is not None:
        tenant = await tenants.get_by_slug_or_id(engine, name)
        return tenant, operator(tenant.id)
    every = await tenants.list_all(engine)
    if not every:
        raise CommandError("there is no tenant yet: koine tenant create NAME")
    if len(every) > 1:
        names = ", ".join(tenant.slug for tenant in every[:10])
        raise CommandError(f"there are several tenants: say which with --tenant ({names})")
    return every[0], operator(every[0].id)


async def _run(settings: Settings, work: Callable[[Engine], Awaitable[R]]) -> R:
    db = await open_database(settings)
    try:
        if await db.version() is None:
            await schema.migrate(db)
        await schema.check(db)
        await require_not_moved(db, settings)
        formats = webhook_formats(settings.public_url())
        return await work(await open_engine(db, SystemClock(), settings, formats))
    finally:
        await db.close()
