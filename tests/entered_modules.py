"""Which modules a message enters on its way: `python -m tests.entered_modules` prints the journeys.

A journey's modules are those whose code runs between its two ends, in the order in which they are
first entered, each package of Koine (and each dialect) on a line of its own. Counted are packages
that know conversations: `kit`, `model` and `http` are listed in brackets and not counted, and in
the first journey neither is the dialect, in which it begins.
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
        """What sys.setprofile calls."""
        name = frame.f_globals.get("__name__", "")
        if self.is_on and event == "call" and name.startswith("koine."):
            short = name.removeprefix("koine.")
            if short not in self.modules:
                self.modules.append(short)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what runs until the context ends, in every thread begun since `install`."""
        self.modules, self.is_on = [], True
        try:
            yield
        finally:
            self.is_on = False

    def install(self) -> None:
        """From now on, here and in every new thread."""
        threading.setprofile(self)
        sys.setprofile(self)

    def show(self, title: str, first: str, uncounted: tuple[str, ...] = ()) -> None:
        """Print the modules from the first one in the package `first` on, by their packages."""
        begin = next(n for n, name in enumerate(self.modules) if name.startswith(f"{first}."))
        packages: dict[str, list[str]] = {}
        for name in self.modules[begin:]:
            package, module = _split(name)
            packages.setdefault(package, []).append(module)
        counted = [each for each in packages if not each.startswith((*UNCOUNTED, *uncounted))]
        modules = sum(len(packages[package]) for package in counted)
        print(f"{title}: {len(counted)} packages, {modules} modules")
        for package, entered in packages.items():
            shown = package if package in counted else f"({package})"
            print(f"  {shown}, {len(entered)}: {', '.join(entered)}")


def _split(name: str) -> tuple[str, str]:
    """A module's package and its name there: `engine` and `auth.access`."""
    parts = name.split(".")
    depth = 2 if parts[0] == "dialects" else 1
    return ".".join(parts[:depth]), ".".join(parts[depth:]) or "__init__"


async def send(trace: Trace, folder: Path) -> None:
    """A POST of the native dialect, from its route to the row."""
    async with databases.sqlite(folder) as db:
        cast = await make_cast(db)
        talk = await new_conversation(cast)
        async with http(cast.engine, NativeDialect()) as client:
            with trace.recording():
                answer = await client.post(
                    f"/v1/conversations/{talk.id}/messages",
                    json={"content": "Hello"},
                    headers=cast.bearer("alice"),
                )
            assert answer.status_code == 201, answer.text
    trace.show("POST to row, after the route", "engine", ("dialects",))


async def stream(trace: Trace, folder: Path) -> None:
    """A row that another process wrote, to the frame of a native stream."""
    async with databases.sqlite(folder) as db:
        cast = await make_cast(db)
        talk = await new_conversation(cast)
        async with (
            live(cast.engine, NativeDialect()) as server,
            follow_stream(server.url, cast.bearer("alice")) as events,
        ):
            await events.until("ready")
            with trace.recording():
                await asyncio.to_thread(_post_elsewhere, folder, cast, talk.id)
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
    """A subscription over ActionCable, from the command to its confirmation."""
    async with databases.sqlite(folder) as db:
        cast = await make_cast(db)
        async with live_server(cast) as server, server.connect() as client:
            with trace.recording():
                await client.subscribe(identifier(server.carol))
    trace.show("ActionCable subscribe", "dialects")


async def webhook(trace: Trace, folder: Path) -> None:
    """A webhook, from the row to the answer of its endpoint."""
    async with databases.sqlite(folder) as db, webhook_harness(db) as told:
        await told.create_endpoint()
        await told.send_message(await told.create_conversation())
        with trace.recording():
            await told.plan_and_send()
        assert told.receiver.count == 1
    trace.show("Webhook delivery", "event_log")


async def _main() -> None:
    trace = Trace()
    for journey in (send, stream, subscribe, webhook):
        trace.install()
        with tempfile.TemporaryDirectory() as folder:
            await journey(trace, Path(folder))
    sys.setprofile(None)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main())
