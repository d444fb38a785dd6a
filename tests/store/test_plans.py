"""Query plans: SQLite has no statistics; PostgreSQL plans a prepared statement once if it may."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from koine.model.filters import ConversationFilter
from koine.model.page import page_window
from koine.store import schema
from koine.store.conversations import conversations, lists, messages, participants
from koine.store.core import paging
from koine.store.core.db import Database
from koine.store.core.statements import Query
from koine.store.events import reader_events, reader_scope
from koine.store.postgres import PostgresDatabase
from koine.store.postgres import renderer as postgres_sql
from koine.store.sending import send
from koine.store.sqlite import SqliteDatabase
from koine.store.sqlite import renderer as sqlite_sql
from koine.store.sqlite.connection import connect
from tests.cast import make_cast
from tests.support import databases
from tests.support.shared_postgres import SharedPostgres


@pytest.mark.parametrize("query", [messages._BY_SEQS, send._CONTEXTS, send._EXISTING])
async def test_rows_of_a_parameter_drive_the_join_and_no_tenant_is_scanned(
    query: Query[object], tmp_path: Path
) -> None:
    steps = await sqlite_steps(query, tmp_path)
    assert "json_each" in steps[0]
    assert not [step for step in steps if "(tenant_id=?)" in step]


OWN = [
    (reader_events._OF_CONVERSATIONS, "events_conversation"),
    (reader_events._OF_SUBJECTS, "events_subject"),
    (reader_scope._TAKES_PART, "participants_newest"),
    (reader_scope._PEOPLE, "sqlite_autoindex_participants_1"),
    (reader_scope._SENDERS, "sqlite_autoindex_messages_1"),
    (reader_scope._LEFT_BY_REMOVAL, "participants_left"),
    (reader_scope._OWNS, "conversations_by_owner"),
    (reader_scope._OWNED_REMOVED, "conversations_removed"),
    (reader_scope._DELIVERIES, "deliveries_customer"),
    (reader_scope._DELIVERIES, "deliveries_driver"),
    (conversations._IDS_OF_OWNER, "conversations_by_owner"),
    (conversations._IDS_OF_OWNER, "conversations_removed"),
    (participants._CONVERSATIONS_OF, "participants_newest"),
    (participants._CONVERSATIONS_OF, "participants_left"),
]


@pytest.mark.parametrize(("query", "index"), OWN)
async def test_the_rows_of_one_person_are_found_by_an_index(
    query: Query[object], index: str, tmp_path: Path
) -> None:
    steps = await sqlite_steps(query, tmp_path)
    assert [step for step in steps if f"INDEX {index} " in step], steps
    assert not [step for step in steps if "(tenant_id=?)" in step or "events_tenant" in step]


async def sqlite_steps(query: Query[object], folder: Path) -> list[str]:
    """SQLite's plan of a query, in an empty database."""
    path = folder / "koine.db"
    database = await SqliteDatabase.open(path)
    await schema.migrate(database)
    await database.close()
    plan = sqlite_sql.render(query)
    explained = connect(path, cache_mib=1).execute(
        f"EXPLAIN QUERY PLAN {plan.text}", [None] * len(plan.names)
    )
    return [str(row[-1]) for row in explained]


@pytest.fixture
async def unknown(shared_postgres: SharedPostgres) -> AsyncIterator[Database]:
    """A database without statistics; with them PostgreSQL may choose other plans."""
    async with databases.postgres(shared_postgres) as opened:
        yield opened


async def test_a_first_page_is_planned_once(unknown: Database) -> None:
    postgres_db = unknown
    assert isinstance(postgres_db, PostgresDatabase)
    acme = (await make_cast(postgres_db)).acme
    # Often enough that each connection of the pool has run it more than five times.
    for _ in range(60):
        await postgres_db.read(
            acme.tenant.id, lists.find_page, ConversationFilter(), page_window(1, 20)
        )
    first_page = lists._PAGES.of(lists._PageVariant(window=paging.variant(page_window(1, 20))))
    text = postgres_sql.render(first_page).text
    assert "LIMIT 21" in text
    async with postgres_db._pool.connection() as link:
        found = await link.connection.fetch(
            "SELECT generic_plans FROM pg_prepared_statements WHERE statement = $1", text
        )
    assert [row["generic_plans"] > 0 for row in found] == [True]
