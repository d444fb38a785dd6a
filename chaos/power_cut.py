"""Cut the power of a server on SQLite: what was acknowledged is on disk, and the file is intact.

The engine's operations run in this process, on a virtual disk that at a random moment loses the
writes that were not synced (chaos/power_cut_vfs.py): in half of the cuts all of them, in the others
a random part, some of them torn. After each cut the database is opened again and compared with the
record of what was acknowledged. The rig counts acknowledged messages and changes that are lost,
messages stored twice, gaps in `seq` or the event log, and files that are corrupt.
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

from chaos.power_cut_vfs import PowerCutDisk, Survivors
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import seed_tenant
from chaos.seeded_tenant import SeededTenant
from koine.engine.conversations import conversations, messages
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.core.engine import Engine, open_engine
from koine.kit.clock import SystemClock
from koine.kit.settings import load
from koine.model.actor import operator
from koine.model.errors import Unavailable
from koine.model.message import Draft
from koine.store import schema
from koine.store.core.db import CannotConnect
from koine.store.sqlite import SqliteDatabase, connection, database

LONG, SHORT = 5_000, 60
CUTS_PER_FILE = 40
"""Cuts of one database file, each on what the cut before left; then a new file."""
SENDERS = 8
CONVERSATIONS = 4
MAX_STEPS = 500
"""A cut comes after at most so many writes and syncs, which are up to about fifteen commits."""
CHECKPOINT_EVERY = 0.004
"""Seconds. With the product's 0.5 s hardly any cut would come during a checkpoint."""

Fault = Literal["", "lying", "OFF", "NORMAL"]
"""A planted fault: a disk that ignores syncs, or a weaker `PRAGMA synchronous`."""
_names = count(1)


class Acknowledged(Struct):
    """What may be in one database file: the keys of acknowledged messages, those of messages
    without a result, and by conversation the possible titles."""

    acknowledged: set[str]
    unanswered: set[str]
    titles: dict[str, set[str]]


class PowerCutResult(Struct):
    """The counts of all cuts."""

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
        """Nothing lost, doubled or corrupt, and no gap."""
        return self.lost == self.doubled == self.gaps == self.corrupt == 0


async def run(settings: RigSettings) -> Figure:
    """Cut the power `n` times (5,000)."""
    cuts = settings.trials(LONG, SHORT)
    result = await cut(settings.folder, cuts, settings.seed)
    line = (
        f"{result.cuts:,} power cuts ({result.in_checkpoint:,} amid a checkpoint), "
        f"{result.acknowledged:,} messages and {result.changes:,} changes acknowledged: "
        f"{result.lost} lost, {result.doubled} doubled, {result.gaps} gaps, "
        f"{result.corrupt} files corrupt"
    )
    counts: dict[str, int | float] = {
        name: getattr(result, name) for name in PowerCutResult.__struct_fields__
    }
    params: dict[str, int | str] = {"cuts": cuts, "seed": settings.seed, "senders": SENDERS}
    return Figure(
        rig="power_cut",
        params=params,
        counts=counts,
        ok=result.ok and result.acknowledged > 0,
        line=line,
    )


RIG = Rig(
    "power_cut",
    "power cuts under load, SQLite: data that was not synced is lost, completely or in part",
    "5,000 cuts: 0 acknowledged lost, 0 corrupt, 0 doubled",
    run,
)


async def cut(folder: Path, cuts: int, seed: int, fault: Fault = "") -> PowerCutResult:
    """Cut the power `cuts` times, with the files in `folder`; ends at the first cut that lost or
    damaged something."""
    rng, counts = Random(seed), PowerCutResult()
    tenant = await _seed(folder / "first.db")
    with _planted(fault), _without_log():
        while counts.cuts < cuts and counts.ok:
            disk = PowerCutDisk(f"cut{next(_names)}", "lying" if fault == "lying" else "")
            shutil.copy(folder / "first.db", folder / "koine.db")
            run = _DiskRun(disk, folder / "koine.db", tenant, rng, counts)
            await run.run(min(CUTS_PER_FILE, cuts - counts.cuts))
            for file in folder.glob("koine.db*"):
                file.unlink()
    return counts


class _DiskRun:
    """Many cuts of one database file."""

    def __init__(
        self,
        disk: PowerCutDisk,
        path: Path,
        tenant: SeededTenant,
        rng: Random,
        counts: PowerCutResult,
    ) -> None:
        self.disk, self.path, self.tenant, self.rng, self.counts = (
            disk,
            path,
            tenant,
            rng,
            counts,
        )
        self.expected = Acknowledged(
            set(),
            set(),
            {
                conversation.id: {"Conversation"}
                for conversation in tenant.conversations[:CONVERSATIONS]
            },
        )
        self.numbers = count(1)

    async def run(self, cuts: int) -> None:
        for _ in range(cuts):
            survivors: Survivors = self.rng.choice(("none", "some"))
            db = await SqliteDatabase.open(self.path, self.disk.name)
            self.disk.cut_in(self.rng.randint(1, MAX_STEPS), self.rng)
            try:
                await self._run_until_cut(await _engine(db))
            finally:
                await _close(db)
            self.counts.in_checkpoint += self.disk.has_unsynced_writes(str(self.path))
            self.disk.restore(survivors)
            self.counts.cuts += 1
            await self._check()
            if not self.counts.ok:
                return

    async def _run_until_cut(self, engine: Engine) -> None:
        """Send messages and change titles until the power is cut."""
        senders = [self._send(engine, number) for number in range(SENDERS)]
        await asyncio.gather(*senders, self._retitle(engine))

    async def _send(self, engine: Engine, number: int) -> None:
        actor, dan = operator(self.tenant.tenant_id), self.tenant.ids["dan"]
        while not self.disk.is_off:
            conversation = self.tenant.conversations[
                (number + self.rng.randrange(2)) % CONVERSATIONS
            ].id
            key = f"key-{next(self.numbers)}"
            self.expected.unanswered.add(key)
            draft = Draft(content=key, sender_id=dan, client_key=key, private=number == 0)
            try:
                await messages.send(engine, actor, conversation, draft)
            except Unavailable:
                continue
            self.expected.unanswered.discard(key)
            self.expected.acknowledged.add(key)
            self.counts.acknowledged += 1

    async def _retitle(self, engine: Engine) -> None:
        actor = operator(self.tenant.tenant_id)
        while not self.disk.is_off:
            conversation, title = (
                self.rng.choice(list(self.expected.titles)),
                f"Title {next(self.numbers)}",
            )
            self.expected.titles[conversation].add(title)
            try:
                await conversations.change(
                    engine, actor, conversation, ConversationChanges(title=title)
                )
            except Unavailable:
                continue
            self.expected.titles[conversation] = {title}
            self.counts.changes += 1

    async def _check(self) -> None:
        """Open the file as the product does, and compare it with the expected content."""
        try:
            db = await SqliteDatabase.open(self.path, self.disk.name)
        except CannotConnect:
            self.counts.corrupt += 1
            return
        database_file = apsw.Connection(str(self.path), vfs=self.disk.name)
        try:
            self._compare(database_file)
        except apsw.Error:
            self.counts.corrupt += 1
        finally:
            database_file.close()
            await db.close()

    def _compare(self, database_file: apsw.Connection) -> None:
        whole = database_file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        broken = database_file.execute("PRAGMA foreign_key_check").fetchall()
        if not whole or broken:
            self.counts.corrupt += 1
            return
        keys = [row[0] for row in _rows(database_file, "SELECT client_key FROM messages")]
        unanswered = self.expected.unanswered & set(keys)
        self.counts.lost += len(self.expected.acknowledged - set(keys))
        self.counts.doubled += len(keys) - len(set(keys))
        self.counts.on_disk_unanswered += len(unanswered)
        self.counts.gaps += len(_rows(database_file, _GAPS)) + len(
            _rows(database_file, _WITHOUT_EVENT)
        )
        for conversation, title in _rows(database_file, "SELECT id, title FROM conversations"):
            if conversation in self.expected.titles:
                self.counts.lost += title not in self.expected.titles[conversation]
                self.expected.titles[conversation] = {title}
        # What was found once must stay, as if it had been acknowledged.
        self.expected.acknowledged |= unanswered
        self.expected.unanswered.clear()


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


def _rows(database_file: apsw.Connection, text: str) -> list[tuple[Any, ...]]:
    return database_file.execute(text).fetchall()


async def _seed(path: Path) -> SeededTenant:
    db = await SqliteDatabase.open(path)
    try:
        await schema.migrate(db)
        return await seed_tenant(await _engine(db), CONVERSATIONS)
    finally:
        await db.close()


async def _engine(db: SqliteDatabase) -> Engine:
    return await open_engine(db, SystemClock(), load({}, {"secret_key": "power" * 10}), {})


async def _close(db: SqliteDatabase) -> None:
    """Close a database whose disk has no power: its last checkpoint fails."""
    try:
        await db.close()
    except apsw.IOError:
        pass


@contextmanager
def _without_log() -> Iterator[None]:
    """Suppress the warnings that the product logs, rightly, at each cut."""
    log = logging.getLogger("koine.store.sqlite")
    usual = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(usual)


@contextmanager
def _planted(fault: Fault) -> Iterator[None]:
    """Make checkpoints frequent; with a planted fault, open connections with its `synchronous`."""
    usual = connection.connect

    def connect_with_pragma(*args: Any, **kwargs: Any) -> apsw.Connection:
        opened = usual(*args, **kwargs)
        opened.execute(f"PRAGMA synchronous={fault}").fetchall()
        return opened

    connect = connect_with_pragma if fault in ("OFF", "NORMAL") else usual
    with (
        patch.object(connection, "_CHECKPOINT_SECONDS", CHECKPOINT_EVERY),
        patch.object(connection, "connect", connect),
        patch.object(database, "connect", connect),
    ):
        yield
