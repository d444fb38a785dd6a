"""An application in an event loop of its own, so that clients with another loop can call it."""

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.authz_matrix.targets import Targets
from tests.drivers.cast_app import CastApp, make_cast_app
from tests.support import databases

TARGETS = (
    "conversation", "number", "message", "numbered_message", "ticket", "survey", "inbox",
    "contact", "user", "dan", "responder", "delivery", "key", "webhook",
)  # fmt: skip


class AppInThread:
    """The `CastApp` behind `app`; `real` has ids of existing targets, by kind."""

    def __init__(self, cast_app: CastApp, portal: BlockingPortal) -> None:
        self.cast_app = cast_app
        self.portal = portal
        self.loop = portal.call(_loop)
        self.real: dict[str, str] = {}

    def renew(self) -> None:
        """Create new targets: the last operation may have deleted these."""
        self.real = self.portal.call(self._target_ids)

    async def _target_ids(self) -> dict[str, str]:
        targets = Targets(self.cast_app.cast)
        return {kind: await targets.id(kind, "acme", "own") for kind in TARGETS}

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application, for a client in any loop."""
        if scope["type"] != "http":
            return
        # The whole request goes to the application's loop at once, and the whole response comes
        # back: each change of the thread costs more than most requests.
        request = [await receive()]
        while request[-1].get("more_body"):
            request.append(await receive())
        inside = asyncio.run_coroutine_threadsafe(self._response(scope, request), self.loop)
        for message in await asyncio.wrap_future(inside):
            await send(message)

    async def _response(self, scope: Any, request: list[Any]) -> list[Any]:
        response: list[Any] = []
        ended = asyncio.Event()

        async def receive() -> Any:
            if request:
                return request.pop(0)
            await ended.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            response.append(message)
            # A stream has no end: its client disconnects after the first event.
            if message.get("body") and is_stream(response[0]):
                ended.set()

        await self.cast_app.call.app(scope, receive, send)
        return response


def is_stream(start: Any) -> bool:
    """Whether a response is a stream of events."""
    return dict(start["headers"]).get(b"content-type") == b"text/event-stream"


@contextlib.contextmanager
def serving() -> Iterator[AppInThread]:
    """A `CastApp` on a new SQLite file, for as long as the context is open."""
    with (
        tempfile.TemporaryDirectory() as directory,
        start_blocking_portal("asyncio", {"loop_factory": uvloop.new_event_loop}) as portal,
        portal.wrap_async_context_manager(databases.sqlite(Path(directory))) as db,
    ):
        yield AppInThread(portal.call(_world, db, directory), portal)


async def _world(db: Any, data_dir: str) -> CastApp:
    return await make_cast_app(db, login_rate_limit_per_minute=0, data_dir=data_dir)


async def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()
