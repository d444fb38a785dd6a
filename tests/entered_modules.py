"""Which modules a message enters on its way: `python -m tests.entered_modules` prints the journeys.

A journey's modules are those whose code runs between its two ends, in the order in which they are
first entered, each room (a package) on a line of its own. Counted are the rooms between the ends
that know conversations; `kit` and `model` are listed and not counted, and so is the room in which a
journey begins.
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
from tests.dialects.native.sse_client import following
from tests.support import databases
from tests.support.live_server import live
from tests.webhooks.harness import webhook_harness

UNCOUNTED = ("kit", "model")


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

    def show(self, title: str, first: str, unlike: tuple[str, ...] = ()) -> None:
        """Print the modules from the first one in a package `first` on, by their rooms."""
        begin = next(n for n, name in enumerate(self.modules) if name.startswith(first))
        rooms: dict[str, list[str]] = {}
        for name in self.modules[begin:]:
            room, _, module = name.rpartition(".")
            rooms.setdefault(room or name, []).append(module or "__init__")
        counted = [room for room in rooms if not room.startswith((*UNCOUNTED, *unlike))]
        print(f"{title}: {len(counted)} rooms, {sum(len(rooms[r]) for r in counted)} modules")
        for room, modules in rooms.items():
            print(f"  {'' if room in counted else '('}{room}{'' if room in counted else ')'}: "
                  + ", ".join(modules))  # fmt: skip


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
    trace.show("POST to row, after the route", "engine.", ("http", "dialects"))


async def stream(trace: Trace, folder: Path) -> None:
    """A row that another process wrote, to the frame of a native stream."""
    async with databases.sqlite(folder) as db:
        cast = await make_cast(db)
        talk = await new_conversation(cast)
        async with (
            live(cast.engine, NativeDialect()) as server,
            following(server.url, cast.bearer("alice")) as events,
        ):
            await events.until("ready")
            with trace.recording():
                await asyncio.to_thread(_post_elsewhere, folder, cast, talk.id)
                await events.until("message.created")
    trace.show("Row to SSE", "relay.")


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
    trace.show("ActionCable subscribe", "dialects.")


async def webhook(trace: Trace, folder: Path) -> None:
    """A webhook, from the row to the answer of its endpoint."""
    async with databases.sqlite(folder) as db, webhook_harness(db) as told:
        await told.hook()
        await told.say(await told.talk())
        with trace.recording():
            await told.tell()
        assert told.receiver.count == 1
    trace.show("Webhook delivery", "relay.")


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
