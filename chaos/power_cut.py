"""Power cuts under SQLite: what was acknowledged is on disk, and nothing else is harmed.

The product's own database and verbs work on a disk that keeps what was synced and loses, at a
moment of chance, what was not (chaos/power_cut_vfs.py): all of it in half the cuts, in the others
each write by chance, some torn. After each cut the product opens the files again, and they are
compared with what its callers had been told.
"""

import asyncio
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Literal
from unittest.mock import patch

import apsw
from msgspec import Struct

from chaos.power_cut_vfs import ForgetfulDisk, Survivors
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import SeededTenant, seed_tenant
from koine.engine.conversations import conversations, messages
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.core import context as engines
from koine.engine.core.context import Engine
from koine.kit.clock import SystemClock
from koine.kit.settings import load
from koine.model.actor import operator
from koine.model.errors import Unavailable
from koine.model.message import Draft
from koine.store import schema
from koine.store.sqlite import SqliteDatabase, connection, database

LONG, SHORT = 5_000, 60
AN_ERA = 40
"""Cuts on one file, each on what the one before left; then a new file."""
SENDERS = 8
CONVERSATIONS = 4
MOST_STEPS = 500
"""A cut comes within so many writes and syncs: up to some fifteen commits."""
CHECKPOINT_EVERY = 0.004
"""Seconds; the product's 0.5 s would hardly ever have the log folded in when the power goes."""

Plant = Literal["", "lying", "OFF", "NORMAL"]
"""A disk that lies about syncs, or `PRAGMA synchronous` set to something faster."""
_names = count(1)


class Acknowledged(Struct):
    """What the callers of one file were told: the keys of acknowledged messages, those sent
    without an answer, and by conversation the titles that may be found."""

    acknowledged: set[str]
    unanswered: set[str]
    titles: dict[str, set[str]]


class PowerCutResult(Struct):
    """What was counted over all cuts."""

    cuts: int = 0
    in_checkpoint: int = 0
    acknowledged: int = 0
    changes: int = 0
    on_disk_unanswered: int = 0
    lost: int = 0
    doubled: int = 0
    gaps: int = 0
    corrupt: int = 0

    @property
    def ok(self) -> bool:
        """Nothing lost, doubled, out of number or broken."""
        return self.lost == self.doubled == self.gaps == self.corrupt == 0


async def run(settings: RigSettings) -> Figure:
    """Cut the power `n` times (5,000)."""
    cuts = settings.trials(LONG, SHORT)
    tally = await cut(settings.folder, cuts, settings.seed)
    line = (
        f"{tally.cuts:,} power cuts ({tally.in_checkpoint:,} amid a checkpoint), "
        f"{tally.acknowledged:,} messages and {tally.changes:,} changes acknowledged: "
        f"{tally.lost} lost, {tally.doubled} doubled, {tally.gaps} gaps, "
        f"{tally.corrupt} files corrupt"
    )
    counts: dict[str, int | float] = {
        name: getattr(tally, name) for name in PowerCutResult.__struct_fields__
    }
    params: dict[str, int | str] = {"cuts": cuts, "seed": settings.seed, "senders": SENDERS}
    return Figure(
        rig="power_cut",
        params=params,
        counts=counts,
        ok=tally.ok and tally.acknowledged > 0,
        line=line,
    )


RIG = Rig(
    "power_cut",
    "power cuts under load, SQLite: data that was not synced is lost, completely or in part",
    "5,000 cuts: 0 acknowledged lost, 0 corrupt, 0 doubled",
    run,
)


async def cut(folder: Path, cuts: int, seed: int, plant: Plant = "") -> PowerCutResult:
    """Cut `cuts` times in a folder, throwing the dice of `seed`; with a bug planted it goes on
    until one is found out."""
    chance, tally = Random(seed), PowerCutResult()
    seeded = await _seed(folder / "first.db")
    with _sabotaged(plant), _quiet():
        while tally.cuts < cuts and tally.ok:
            disk = ForgetfulDisk(f"cut{next(_names)}", "lying" if plant == "lying" else "")
            shutil.copy(folder / "first.db", folder / "koine.db")
            era = _Run(disk, folder / "koine.db", seeded, chance, tally)
            await era.play(min(AN_ERA, cuts - tally.cuts))
            for file in folder.glob("koine.db*"):
                file.unlink()
    return tally


class _Run:
    """One file through many cuts."""

    def __init__(
        self,
        disk: ForgetfulDisk,
        path: Path,
        seeded: SeededTenant,
        chance: Random,
        tally: PowerCutResult,
    ) -> None:
        self.disk, self.path, self.seeded, self.chance, self.tally = (
            disk,
            path,
            seeded,
            chance,
            tally,
        )
        self.told = Acknowledged(
            set(),
            set(),
            {
                conversation.id: {"Conversation"}
                for conversation in seeded.conversations[:CONVERSATIONS]
            },
        )
        self.serial = count(1)

    async def play(self, cuts: int) -> None:
        for _ in range(cuts):
            survivors: Survivors = self.chance.choice(("none", "some"))
            db = await SqliteDatabase.open(self.path, self.disk.name)
            self.disk.cut_in(self.chance.randint(1, MOST_STEPS), self.chance)
            try:
                await self._load(await _engine(db))
            finally:
                await _closed(db)
            self.tally.in_checkpoint += self.disk.is_amid(str(self.path))
            self.disk.restore(survivors)
            self.tally.cuts += 1
            await self._look()
            if not self.tally.ok:
                return

    async def _load(self, engine: Engine) -> None:
        """Everyone does what they do until the power goes."""
        people = [self._send(engine, number) for number in range(SENDERS)]
        await asyncio.gather(*people, self._retitle(engine))

    async def _send(self, engine: Engine, number: int) -> None:
        actor, dan = operator(self.seeded.tenant_id), self.seeded.ids["dan"]
        while not self.disk.off:
            conversation = self.seeded.conversations[
                (number + self.chance.randrange(2)) % CONVERSATIONS
            ].id
            key = f"key-{next(self.serial)}"
            self.told.unanswered.add(key)
            draft = Draft(content=key, sender_id=dan, client_key=key, private=number == 0)
            try:
                await messages.send(engine, actor, conversation, draft)
            except Unavailable:
                continue
            self.told.unanswered.discard(key)
            self.told.acknowledged.add(key)
            self.tally.acknowledged += 1

    async def _retitle(self, engine: Engine) -> None:
        actor = operator(self.seeded.tenant_id)
        while not self.disk.off:
            conversation, title = (
                self.chance.choice(list(self.told.titles)),
                f"Title {next(self.serial)}",
            )
            self.told.titles[conversation].add(title)
            try:
                await conversations.change(
                    engine, actor, conversation, ConversationChanges(title=title)
                )
            except Unavailable:
                continue
            self.told.titles[conversation] = {title}
            self.tally.changes += 1

    async def _look(self) -> None:
        """Compare what the product finds on opening with what was told."""
        try:
            db = await SqliteDatabase.open(self.path, self.disk.name)
        except Unavailable:
            self.tally.corrupt += 1
            return
        found = apsw.Connection(str(self.path), vfs=self.disk.name)
        try:
            self._compare(found)
        except apsw.Error:
            self.tally.corrupt += 1
        finally:
            found.close()
            await db.close()

    def _compare(self, found: apsw.Connection) -> None:
        whole = found.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        broken = found.execute("PRAGMA foreign_key_check").fetchall()
        if not whole or broken:
            self.tally.corrupt += 1
            return
        keys = [row[0] for row in _rows(found, "SELECT client_key FROM messages")]
        unanswered = self.told.unanswered & set(keys)
        self.tally.lost += len(self.told.acknowledged - set(keys))
        self.tally.doubled += len(keys) - len(set(keys))
        self.tally.on_disk_unanswered += len(unanswered)
        self.tally.gaps += len(_rows(found, _GAPS)) + len(_rows(found, _WITHOUT_EVENT))
        for conversation, title in _rows(found, "SELECT id, title FROM conversations"):
            if conversation in self.told.titles:
                self.tally.lost += title not in self.told.titles[conversation]
                self.told.titles[conversation] = {title}
        # What is found once stays: from now on it is as good as acknowledged.
        self.told.acknowledged |= unanswered
        self.told.unanswered.clear()


_GAPS = """
SELECT c.id FROM conversations c LEFT JOIN messages m ON m.conversation_id = c.id GROUP BY c.id
HAVING count(m.seq) <> c.last_seq OR coalesce(max(m.seq), 0) <> c.last_seq
    OR count(DISTINCT m.seq) <> c.last_seq
    OR count(m.seq) FILTER (WHERE NOT m.private) <> c.public_count
"""
_WITHOUT_EVENT = """
SELECT m.id FROM messages m LEFT JOIN events e ON e.subject_id = m.id AND e.kind = 'message.created'
GROUP BY m.id HAVING count(e.subject_id) <> 1
"""


def _rows(found: apsw.Connection, text: str) -> list[tuple[Any, ...]]:
    return found.execute(text).fetchall()


async def _seed(path: Path) -> SeededTenant:
    db = await SqliteDatabase.open(path)
    try:
        await schema.migrate(db)
        return await seed_tenant(await _engine(db), CONVERSATIONS)
    finally:
        await db.close()


async def _engine(db: SqliteDatabase) -> Engine:
    return await engines.open_engine(db, SystemClock(), load({}, {"secret_key": "power" * 10}), {})


async def _closed(db: SqliteDatabase) -> None:
    """Let go of a database whose disk has no power: it cannot fold its log in any more."""
    try:
        await db.close()
    except apsw.IOError:
        pass


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the product says, rightly, each time that its disk is gone."""
    log = logging.getLogger("koine.store.sqlite")
    usual = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(usual)


@contextmanager
def _sabotaged(plant: Plant) -> Iterator[None]:
    """Have checkpoints often; with a bug planted, open connections with another `synchronous`."""
    usual = connection.connect

    def careless(*args: Any, **kwargs: Any) -> apsw.Connection:
        opened = usual(*args, **kwargs)
        opened.execute(f"PRAGMA synchronous={plant}").fetchall()
        return opened

    connect = careless if plant in ("OFF", "NORMAL") else usual
    with (
        patch.object(connection, "_CHECKPOINT_SECONDS", CHECKPOINT_EVERY),
        patch.object(connection, "connect", connect),
        patch.object(database, "connect", connect),
    ):
        yield
