"""The ceiling on SQLite: one thread writes the rows of sends, one transaction each."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import apsw

from bench import seed
from bench.seed import SqlSyntax
from bench.tenant_size import CONVERSATION, FIRST_SENT, MESSAGE, PERSON, TenantSize, id_ending, uuid
from koine.store import schema
from koine.store.sqlite import SqliteDatabase
from koine.store.sqlite.connection import Checkpointer, connect

CACHE_MIB = 32
CONTENT = "Your parcel will arrive in ten minutes. Please be at home."

_FACTS = """
SELECT c.last_seq, c.public_count, c.last_content, c.last_sender_kind, c.last_message_at,
  i.name, i.email, i.avatar_url, i.role, i.number
FROM conversations AS c
JOIN participants AS p ON p.tenant_id = c.tenant_id AND p.conversation_id = c.id
  AND p.identity_id = ?3 AND p.left_at IS NULL
JOIN identities AS i ON i.tenant_id = c.tenant_id AND i.id = ?3
WHERE c.tenant_id = ?1 AND c.id = ?2 AND c.removed_at IS NULL AND c.status <> 'closed'
"""
_MESSAGE = """
INSERT INTO messages (tenant_id, id, conversation_id, seq, public_seq, sender_id, sender_kind,
  type, content, content_type, content_attributes, private, created_at, updated_at)
VALUES (?1, ?4, ?2, ?5, ?6, ?3, 'user', 'text', ?7, 'text', '{}', 0, ?8, ?8)
"""
_HEAD = """
UPDATE conversations SET last_seq = ?5, public_count = ?6, last_public_seq = ?5,
  previous_content = last_content, previous_sender_kind = last_sender_kind,
  previous_message_at = last_message_at, last_content = ?7, last_sender_kind = 'user',
  last_message_at = ?8, last_activity_at = ?8, shown_at_override = NULL, sort_at_override = NULL,
  updated_at = ?8
WHERE tenant_id = ?1 AND id = ?2
"""
_PARTS = """
UPDATE participants SET last_activity_at = ?8,
  read_seq = CASE WHEN identity_id = ?3 THEN ?5 ELSE read_seq END,
  read_public = CASE WHEN identity_id = ?3 THEN ?6 ELSE read_public END,
  read_message_id = CASE WHEN identity_id = ?3 THEN ?4 ELSE read_message_id END
WHERE tenant_id = ?1 AND conversation_id = ?2 AND left_at IS NULL
"""
_EVENT = """
INSERT INTO events (tenant_id, kind, audience, conversation_id, subject_id, seq, body, created_at)
VALUES (?1, 'message.created', 'everyone', ?2, ?4, ?5, '{}', ?8)
"""
_WRITES = [text.replace("?", ":n") for text in (_MESSAGE, _HEAD, _PARTS, _EVENT)]


async def fill(path: Path, size: TenantSize) -> None:
    """Create the file, the tables and the tenant."""
    database = await SqliteDatabase.open(path)
    await schema.migrate(database)
    await database.close()
    connection = connect(path, cache_mib=256)

    async def execute(text: str) -> None:
        connection.execute(text)

    connection.execute("BEGIN")
    await seed.small(execute, SqlSyntax(postgres=False), size)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


class CommittedSends:
    """Sends written directly into the file, with the server's settings and checkpointing thread.

    No server may write at the same time: SQLite has one writer.
    """

    def __init__(self, path: Path, size: TenantSize) -> None:
        self._path = path
        self._size = size
        self._next_id = FIRST_SENT

    def run(self, seconds: float) -> float:
        """Commit sends one by one for `seconds`; return how many a second."""
        connection = connect(self._path, cache_mib=CACHE_MIB)
        self._next_id = FIRST_SENT + self._ids_in_use(connection)
        checkpointer = Checkpointer(self._path)
        try:
            return _rate(lambda: self._send(connection), seconds)
        finally:
            checkpointer.close()
            connection.close()

    def _ids_in_use(self, connection: apsw.Connection) -> int:
        """How many messages earlier runs have sent; their ids begin with FIRST_SENT."""
        count = connection.execute(
            "SELECT count(*) FROM messages WHERE tenant_id = ? AND id >= ? AND id LIKE ?",
            (self._size.tenant_id(), uuid(MESSAGE, FIRST_SENT), f"%{id_ending(MESSAGE)}"),
        ).get
        return int(count)

    def _send(self, connection: apsw.Connection) -> None:
        number = random.randint(1, self._size.conversations)
        ids = (
            self._size.tenant_id(),
            uuid(CONVERSATION, number),
            uuid(PERSON, self._size.driver_of(number)),
        )
        connection.execute("BEGIN IMMEDIATE")
        facts: list[tuple[int, int]] = connection.execute(_FACTS, ids).fetchall()  # type: ignore[assignment]  # the columns' own types
        seq, public = facts[0][:2]
        values = (
            *ids, uuid(MESSAGE, self._next_id), seq + 1, public + 1, CONTENT,
            time.time_ns() // 1000,
        )  # fmt: skip
        parameters = {f"n{i}": value for i, value in enumerate(values, 1)}
        for text in _WRITES:
            connection.execute(text, parameters)
        connection.execute("COMMIT")
        self._next_id += 1


def _rate(send: Callable[[], None], seconds: float) -> float:
    began = at = time.monotonic()
    count = 0
    while at - began < seconds:
        send()
        count += 1
        at = time.monotonic()
    return count / (at - began)
