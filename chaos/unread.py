"""Unread counts and order: random steps through all dialects against a plain model.

Several houses, a tenant each, do random things one after the other: say, note, read, come and go,
close, open again, remove, merge contacts. Every few steps what the dialects show of unread counts,
read marks, order, totals and numbers is compared with the model (chaos/unread_model.py).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from random import Random
from unittest.mock import patch

from msgspec import Struct

from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import seed_tenant
from chaos.servers import QUIET
from chaos.unread_checks import compare
from chaos.unread_tenant import ModelledTenant, ModelMismatch, SteadyClock
from koine.dialects.delivery.conversations import render
from koine.engine.core import context as engines
from koine.http.app import build_app
from koine.kit.settings import load
from koine.model.conversation import Conversation, Participant
from koine.server import dialects
from koine.store import schema
from koine.store.conversations import participants, send
from koine.store.core.db import Database
from koine.store.postgres import PostgresDatabase
from koine.store.sqlite import SqliteDatabase
from tests.drivers.asgi import Caller
from tests.support.postgres import Postgres

LONG, SHORT = 200_000, 2_000
TENANTS = 16
"""At once, so that their sends share commits as in a busy server."""
LOOK_EVERY, LOOK_EVERYWHERE = 8, 80
"""Steps of a house between looks at two lists and a conversation, and at everything."""


class UnreadResult(Struct):
    """What was counted; `drifts` has a text for each house that broke off."""

    steps: int = 0
    looks: int = 0
    drifts: list[str] = []


async def run(settings: RigSettings) -> Figure:
    """Take `n` steps (200,000), half of them on each database."""
    steps = settings.trials(LONG, SHORT)
    async with _sqlite(settings.folder) as db:
        tally = await random_walk(db, steps // 2, settings.seed)
    async with _postgres() as db:
        more = await random_walk(db, steps - steps // 2, settings.seed + 1)
    for text in (drifts := tally.drifts + more.drifts):
        settings.say(text)
    counts: dict[str, int | float] = {
        "steps": tally.steps + more.steps, "looks": tally.looks + more.looks, "drift": len(drifts)
    }  # fmt: skip
    line = (
        f"{counts['steps']:,} random steps over five dialects and two databases, "
        f"{counts['looks']:,} views compared: drift {len(drifts)}"
    )
    params: dict[str, int | str] = {"steps": steps, "seed": settings.seed, "houses": TENANTS}
    ok = not drifts and counts["steps"] == steps
    return Figure(rig="unread", params=params, counts=counts, ok=ok, line=line)


RIG = Rig(
    "unread",
    "unread counts, read marks, order and totals after random steps in every dialect",
    "200,000 random steps: drift 0",
    run,
)


async def random_walk(
    db: Database, steps: int, seed: int, houses: int = TENANTS, plant: str = ""
) -> UnreadResult:
    """Take so many steps in all, in new tenants of a database; with a bug of PLANTS if named."""
    clock, tally = SteadyClock(), UnreadResult(drifts=[])
    settings = load({}, {**QUIET, "secret_key": "unread" * 8})
    engine = await engines.open_engine(db, clock, settings, {})
    call = Caller(build_app(dialects(), engine, settings))
    made = [
        ModelledTenant(
            call, await seed_tenant(engine, 0, f"House {n}"), clock, Random(f"{seed}/{n}")
        )
        for n in range(houses)
    ]
    shares = [steps // houses + (n < steps % houses) for n in range(houses)]
    with _planted(plant):
        await asyncio.gather(*map(_live, made, shares, [tally] * houses))
    return tally


async def _live(house: ModelledTenant, steps: int, tally: UnreadResult) -> None:
    try:
        for number in range(1, steps + 1):
            await house.step()
            tally.steps += 1
            if house.conversations and (number % LOOK_EVERY == 0 or number == steps):
                everywhere = number % LOOK_EVERYWHERE == 0 or number == steps
                compared = await compare(house, everywhere)
                tally.looks += compared
    except ModelMismatch as drift:
        tally.drifts.append(f"{drift}\nafter:\n" + "\n".join(house.history))


def _with_notes(c: Conversation, me: Participant | None, sees_private: bool) -> int:
    return 0 if me is None or me.left_at is not None else c.last_seq - me.read_seq


async def _nothing(*_: object) -> None:
    """What a forgetful verb does."""


PLANTS: dict[str, tuple[object, str, Callable[..., object]]] = {
    "notes are unread to all": (render, "unread", _with_notes),
    "merging forgets who took part": (participants, "reassign", _nothing),
    "a message moves no list": (send, "move_in_lists", _nothing),
    "leaving is not counted": (participants, "leave", _nothing),
}  # fmt: skip
"""Bugs to plant: what is replaced in which module."""


@contextmanager
def _planted(plant: str) -> Iterator[None]:
    if not plant:
        yield
        return
    module, name, wrong = PLANTS[plant]
    with patch.object(module, name, wrong):
        yield


@asynccontextmanager
async def _sqlite(folder: Path) -> AsyncIterator[Database]:
    db = await SqliteDatabase.open(folder / "koine.db")
    try:
        await schema.migrate(db)
        yield db
    finally:
        await db.close()


@asynccontextmanager
async def _postgres() -> AsyncIterator[Database]:
    server = Postgres()
    await asyncio.to_thread(server.start)
    try:
        db = await PostgresDatabase.open(server.url)
        await schema.migrate(db)
        yield db
        await db.close()
    finally:
        server.stop()
