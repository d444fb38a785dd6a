"""Unread counts, read marks and order: random requests by all dialects, compared with a model.

Several tenants make random changes at the same time: send a message or a private note, read, join,
leave, close, reopen, delete, merge contacts. Every few steps the unread counts, read marks, order,
totals and numbers in the responses are compared with a model (chaos/unread_model.py). The rig
counts the tenants whose responses differ from the model (drift).
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
from chaos.servers import NO_LIMITS
from chaos.unread_checks import compare
from chaos.unread_tenant import ModelledTenant, ModelMismatch, SteadyClock
from koine.dialects.delivery.conversations import render
from koine.engine.core.engine import open_engine
from koine.http.app import build_app
from koine.kit.settings import load
from koine.model.conversation import Conversation, Participant
from koine.server import dialects
from koine.store import schema
from koine.store.conversations import participants
from koine.store.core.db import Database
from koine.store.postgres import PostgresDatabase
from koine.store.sending import send
from koine.store.sqlite import SqliteDatabase
from tests.drivers.asgi import Caller

LONG, SHORT = 200_000, 2_400
TENANTS, FEW_TENANTS = 16, 8
"""At the same time, so that their sends share batches as on a busy server."""
CHECK_EVERY, CHECK_ALL_EVERY = 8, 80
"""Steps of a tenant between two comparisons: of two lists and a conversation; of everything."""


class UnreadResult(Struct):
    """The counts; `drifts` has a text for each tenant that ended because it differed."""

    steps: int = 0
    views: int = 0
    drifts: list[str] = []


async def run(settings: RigSettings) -> Figure:
    """Make `n` steps (200,000), half of them on each database."""
    steps = settings.trials(LONG, SHORT)
    tenants = settings.pick(TENANTS, FEW_TENANTS)
    async with _sqlite(settings.folder) as db:
        result = await random_walk(db, steps // 2, settings.seed, tenants)
    with settings.databases() as new_database:
        async with _postgres(new_database()) as db:
            postgres_steps = steps - steps // 2
            postgres_result = await random_walk(db, postgres_steps, settings.seed + 1, tenants)
    for text in (drifts := result.drifts + postgres_result.drifts):
        settings.log(text)
    counts: dict[str, int | float] = {
        "steps": result.steps + postgres_result.steps,
        "views": result.views + postgres_result.views,
        "drift": len(drifts),
    }
    line = (
        f"{counts['steps']:,} random steps over five dialects and two databases, "
        f"{counts['views']:,} views compared: drift {len(drifts)}"
    )
    params: dict[str, int | str] = {"steps": steps, "seed": settings.seed, "tenants": tenants}
    ok = not drifts and counts["steps"] == steps
    return Figure(rig="unread", params=params, counts=counts, ok=ok, line=line)


RIG = Rig(
    "unread",
    "unread counts, read marks, order and totals after random steps in every dialect",
    "200,000 random steps: drift 0",
    run,
)


async def random_walk(
    db: Database, steps: int, seed: int, tenants: int = TENANTS, fault: str = ""
) -> UnreadResult:
    """Make so many steps in all, in new tenants of a database; `fault` is one of FAULTS."""
    clock, result = SteadyClock(), UnreadResult(drifts=[])
    settings = load({}, {**NO_LIMITS, "secret_key": "unread" * 8})
    engine = await open_engine(db, clock, settings, {})
    call = Caller(build_app(dialects(), engine, settings))
    modelled = [
        ModelledTenant(
            call, await seed_tenant(engine, 0, f"Tenant {n}"), clock, Random(f"{seed}/{n}")
        )
        for n in range(tenants)
    ]
    shares = [steps // tenants + (n < steps % tenants) for n in range(tenants)]
    with _planted(fault):
        await asyncio.gather(*map(_walk, modelled, shares, [result] * tenants))
    return result


async def _walk(tenant: ModelledTenant, steps: int, result: UnreadResult) -> None:
    try:
        for number in range(1, steps + 1):
            await tenant.step()
            result.steps += 1
            if tenant.conversations and (number % CHECK_EVERY == 0 or number == steps):
                all_views = number % CHECK_ALL_EVERY == 0 or number == steps
                # Not `+= await`: other tenants add to the same count meanwhile.
                views = await compare(tenant, all_views)
                result.views += views
    except ModelMismatch as drift:
        result.drifts.append(f"{drift}\nafter:\n" + "\n".join(tenant.history))


def _unread_with_notes(c: Conversation, me: Participant | None, sees_private: bool) -> int:
    return 0 if me is None or me.left_at is not None else c.last_seq - me.read_seq


async def _do_nothing(*_: object) -> None:
    """The fault of an operation that omits a step."""


FAULTS: dict[str, tuple[object, str, Callable[..., object]]] = {
    "notes are unread to all": (render, "unread", _unread_with_notes),
    "merging forgets who took part": (participants, "reassign", _do_nothing),
    "a message moves no list": (send, "move_in_lists", _do_nothing),
    "leaving is not counted": (participants, "leave", _do_nothing),
}  # fmt: skip
"""Planted faults: which function of which module is replaced, and by what."""


@contextmanager
def _planted(fault: str) -> Iterator[None]:
    if not fault:
        yield
        return
    module, name, wrong = FAULTS[fault]
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
async def _postgres(url: str) -> AsyncIterator[Database]:
    db = await PostgresDatabase.open(url)
    try:
        await schema.migrate(db)
        yield db
    finally:
        await db.close()
