"""An application on a loop of its own, so that callers who bring their own loop can call it."""

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
from tests.fuzz.disconnecting import hanging_up
from tests.support import databases
from tests.support.shared_postgres import SharedPostgres

T = TypeVar("T")
NOUNS = ("conversation", "number", "message", "said", "ticket", "survey", "inbox", "contact",
         "user", "dan", "responder", "delivery", "key", "hook")  # fmt: skip


class AppInThread:
    """The world behind `app`; `real` are ids of things that are there, by noun."""

    def __init__(self, world: World, portal: BlockingPortal) -> None:
        self.world = world
        self.portal = portal
        self.loop = portal.call(_loop)
        self.real: dict[str, str] = {}

    def renew(self) -> None:
        """New things: those of the last operation may be gone."""
        self.real = self.portal.call(self._things)

    async def _things(self) -> dict[str, str]:
        things = Targets(self.world.cast)
        return {noun: await things.id(noun, "acme", "own") for noun in NOUNS}

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI, from whatever loop."""
        inside = hanging_up(self.world.call.app)(scope, self._over(receive), self._over(send))
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
