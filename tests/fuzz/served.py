"""An application in an event loop of its own, so that clients with another loop can call it."""

import asyncio
import contextlib
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.authz_matrix.targets import Targets
from tests.drivers.world import World, make_world
from tests.fuzz.disconnecting import disconnecting
from tests.support import databases
from tests.support.shared_postgres import SharedPostgres

T = TypeVar("T")
TARGETS = (
    "conversation", "number", "message", "numbered_message", "ticket", "survey", "inbox",
    "contact", "user", "dan", "responder", "delivery", "key", "webhook",
)  # fmt: skip


class AppInThread:
    """The world behind `app`; `real` has ids of existing targets, by kind."""

    def __init__(self, world: World, portal: BlockingPortal) -> None:
        self.world = world
        self.portal = portal
        self.loop = portal.call(_loop)
        self.real: dict[str, str] = {}

    def renew(self) -> None:
        """Create new targets: the last operation may have deleted these."""
        self.real = self.portal.call(self._target_ids)

    async def _target_ids(self) -> dict[str, str]:
        targets = Targets(self.world.cast)
        return {kind: await targets.id(kind, "acme", "own") for kind in TARGETS}

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application, for a client in any loop."""
        inside = disconnecting(self.world.call.app)(scope, self._over(receive), self._over(send))
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(inside, self.loop))

    def _over(self, call: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., Awaitable[T]]:
        """A caller's `receive` or `send`, for the application's loop."""
        outside = asyncio.get_running_loop()

        async def over(*args: Any) -> T:
            crossing = asyncio.run_coroutine_threadsafe(call(*args), outside)
            return await asyncio.wrap_future(crossing)

        return over


@contextlib.contextmanager
def serving(backend: str, shared: SharedPostgres) -> Iterator[AppInThread]:
    """A world on a new database, for as long as the context is open."""
    with (
        tempfile.TemporaryDirectory() as directory,
        start_blocking_portal("asyncio", {"loop_factory": uvloop.new_event_loop}) as portal,
    ):
        opening = (
            databases.sqlite(Path(directory)) if backend == "sqlite" else databases.postgres(shared)
        )
        with portal.wrap_async_context_manager(opening) as db:
            yield AppInThread(portal.call(_world, db), portal)


async def _world(db: Any) -> World:
    return await make_world(db, login_rate_limit_per_minute=0)


async def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()
