"""The rows of the table `server`, of which some are of the database and not of the server, and what
the databases count outside of their tables."""

from msgspec import Struct

from koine.server.move.marks import PROGRESS, SOURCE_MARK
from koine.store import server_values
from koine.store.core.db import Database, Tx
from koine.store.events import event_log_state, events

OF_THE_DATABASE = (
    SOURCE_MARK, PROGRESS, "migration:", "process:", "probe", "last:", "last_backup",
    "backup_lease", "event_home",
)  # fmt: skip
"""What the names of these rows begin with: the state of a move, the migrations of this database,
its processes, the probe of /readyz, numbers for which PostgreSQL has sequences, the last backups
(which cannot be restored into another kind of database), the history that a fail-over changes."""


class Sequences(Struct, frozen=True):
    """The last position of the event log, and the last number of a message; rows with them may be
    deleted since."""

    position: int
    message_number: int


async def get(tx: Tx) -> dict[str, str]:
    """The values that move with the server, by their names."""
    every = await server_values.list_by_prefix(tx, "")
    return {name: value for name, value in every.items() if not _stays(name)}


async def replace(tx: Tx, values: dict[str, str]) -> None:
    """Write the values in place of those that are there."""
    for name in await get(tx):
        await server_values.delete_one(tx, name)
    for name, value in values.items():
        await server_values.put(tx, name, value)


async def get_sequences(db: Database) -> Sequences:
    """How far the database has counted."""
    last = (await db.read("", events.log_snapshot)).last
    return Sequences(last, await db.last_message_number())


async def raise_sequences(db: Database, sequences: Sequences) -> None:
    """Let the database count on above these."""
    if sequences.position:
        await db.raise_positions(sequences.position)
    if sequences.message_number:
        await db.raise_message_numbers(sequences.message_number)


async def keep_epoch(tx: Tx, timeline_id: str) -> None:
    """The event log goes on in its epoch in the database that has this timeline: positions are as
    they were, so cursors of clients are valid."""
    await event_log_state.put_home(tx, timeline_id)


def _stays(name: str) -> bool:
    return name.startswith(OF_THE_DATABASE)
