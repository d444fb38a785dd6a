"""`python -m tests.entered_modules` prints which modules run on four paths through the server.

Modules are listed by package (a dialect is a package) in the order in which they are first entered.
The counts are of the packages that know conversations: `kit`, `model` and `http` are in brackets
and not counted, and on the first path neither is the dialect, where it starts.
"""

import asyncio
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import uvloop

from koine.dialects.native import NativeDialect
from koine.engine.conversations import messages
from koine.model.message import Draft
from tests.cast import Cast, http, make_cast
from tests.dialects.inbox.cable_client import identifier, live_server, new_conversation
from tests.dialects.native.sse_client import follow_stream
from tests.support import databases
from tests.support.live_server import live
from tests.webhooks.harness import webhook_harness

UNCOUNTED = ("kit", "model", "http")


class Trace:
    """The modules of Koine that ran, in the order in which they were first entered."""

    def __init__(self) -> None:
        self.modules: list[str] = []
        self.is_on = False

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Called by sys.setprofile for each call of a function."""
        name = frame.f_globals.get("__name__", "")
        if self.is_on and event == "call" and name.startswith("koine."):
            short = name.removeprefix("koine.")
            if short not in self.modules:
                self.modules.append(short)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record until the context ends, in all threads that started after `install`."""
        self.modules, self.is_on = [], True
        try:
            yield
        finally:
            self.is_on = False

    def install(self) -> None:
        """Install this as the profile function of this thread and of every new one."""
        threading.setprofile(self)
        sys.setprofile(self)

    def show(self, title: str, first: str, uncounted: tuple[str, ...] = ()) -> None:
        """Print the modules by package, from the first one of the package `first` on."""
        start = next(n for n, name in enumerate(self.modules) if name.startswith(f"{first}."))
        packages: dict[str, list[str]] = {}
        for name in self.modules[start:]:
            package, module = _split(name)
            packages.setdefault(package, []).append(module)
        counted = [each for each in packages if not each.startswith((*UNCOUNTED, *uncounted))]
        modules = sum(len(packages[package]) for package in counted)
        print(f"{title}: {len(counted)} packages, {modules} modules")
        for package, entered in packages.items():
            label = package if package in counted else f"({package})"
            print(f"  {label}, {len(entered)}: {', '.join(entered)}")


def _split(name: str) -> tuple[str, str]:
    """A module's package and its name there: `engine` and `auth.access`."""
    parts = name.split(".")
    depth = 2 if parts[0] == "dialects" else 1
    return ".".join(parts[:depth]), ".".join(parts[depth:]) or "__init__"


async def send(trace: Trace, folder: Path) -> None:
    """From the route of a native POST to the row."""
    async with databases.sqlite(folder) as db:
        cast = await make_cast(db)
        conversation = await new_conversation(cast)
        async with http(cast.engine, NativeDialect()) as client:
            with trace.recording():
                response = await client.post(
                    f"/v1/conversations/{conversation.id}/messages",
                    json={"content": "Hello"},
                    headers=cast.bearer("alice"),
                )
            assert response.status_code == 201, response.text
    trace.show("POST to row, after the route", "engine", ("dialects",))


async def stream(trace: Trace, folder: Path) -> None:
    """From a row to the event of a native SSE stream; another thread writes, as a node would."""
    async with databases.sqlite(folder) as db:
        cast = await make_cast(db)
        conversation = await new_conversation(cast)
        async with (
            live(cast.engine, NativeDialect()) as server,
            follow_stream(server.url, cast.bearer("alice")) as events,
        ):
            await events.until("ready")
            with trace.recording():
                await asyncio.to_thread(_post_elsewhere, folder, cast, conversation.id)
                await events.until("message.created")
    trace.show("Row to SSE", "event_log")


def _post_elsewhere(folder: Path, cast: Cast, conversation_id: str) -> None:
    sys.setprofile(None)
    threading.setprofile(None)

    async def post() -> None:
        async with databases.sqlite(folder) as db:
            engine = (await make_cast(db)).engine
            draft = Draft(content="Hello", sender_id=cast.acme.id("alice"))
            await messages.send(engine, cast.acme.actor("alice"), conversation_id, draft)

    asyncio.run(post())


async def subscribe(trace: Trace, folder: Path) -> None:
    """From the subscribe command of ActionCable to its confirmation."""
    async with databases.sqlite(folder) as db:
        cast = await make_cast(db)
        async with live_server(cast) as server, server.connect() as client:
            with trace.recording():
                await client.subscribe(identifier(server.carol))
    trace.show("ActionCable subscribe", "dialects")


async def webhook(trace: Trace, folder: Path) -> None:
    """From a row to the response of a webhook's endpoint."""
    async with databases.sqlite(folder) as db, webhook_harness(db) as harness:
        await harness.create_endpoint()
        await harness.send_message(await harness.create_conversation())
        with trace.recording():
            await harness.plan_and_send()
        assert harness.receiver.count == 1
    trace.show("Webhook delivery", "event_log")


async def _main() -> None:
    trace = Trace()
    for path in (send, stream, subscribe, webhook):
        trace.install()
        with tempfile.TemporaryDirectory() as folder:
            await path(trace, Path(folder))
    sys.setprofile(None)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main())
