"""Migrations: they create the tables of the program, and leave those of a newer one alone."""

import asyncio
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.schema import CreateIndex, CreateTable

from koine import store
from koine.store import schema
from koine.store.core import statements
from koine.store.core.db import Database
from koine.store.postgres import renderer as postgres_sql
from koine.store.sqlite import renderer as sqlite_sql
from koine.store.tables import metadata
from tests.support.next_release import next_migrations

RENDERERS: dict[str, Any] = {"sqlite": sqlite_sql, "postgres": postgres_sql}


async def test_the_migrations_make_the_tables_of_the_program(fresh_db: Database) -> None:
    migrated = await _catalogue(fresh_db)
    await _rebuild(fresh_db)
    assert len(migrated) > 100
    assert migrated == await _catalogue(fresh_db)


async def test_migrating_again_changes_nothing(fresh_db: Database) -> None:
    await asyncio.gather(*(schema.migrate(fresh_db) for _ in range(4)))
    await schema.check(fresh_db)
    assert await fresh_db.version() == schema.head()


async def test_several_at_once_migrate_an_empty_database_once(fresh_db: Database) -> None:
    await fresh_db.alter_schema(lambda _: f"{_drops(fresh_db)}; DROP TABLE alembic_version;")
    with pytest.raises(schema.WrongSchema, match="koine migrate"):
        await schema.check(fresh_db)
    await asyncio.gather(*(schema.migrate(fresh_db) for _ in range(4)))
    await schema.check(fresh_db)


async def test_a_newer_schema_of_which_nothing_is_known_is_refused(fresh_db: Database) -> None:
    await fresh_db.alter_schema(lambda _: "UPDATE alembic_version SET version_num = '9999_new'")
    with pytest.raises(schema.WrongSchema, match="newer"):
        await schema.check(fresh_db)
    with pytest.raises(schema.WrongSchema, match="newer"):
        await schema.migrate(fresh_db)
    assert await fresh_db.version() == "9999_new"


async def test_a_step_that_fails_leaves_nothing_behind(fresh_db: Database) -> None:
    before = await _catalogue(fresh_db)
    with pytest.raises(Exception, match="nonsense"):
        await fresh_db.alter_schema(lambda _: "CREATE TABLE half (id TEXT); SELECT nonsense;")
    assert await _catalogue(fresh_db) == before


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A program with one more migration."""
    with monkeypatch.context() as patched:
        patched.setattr(schema, "_MIGRATIONS", next_migrations(tmp_path, "adds"))
        yield


def test_the_files_of_the_migrations_are_named_by_their_order() -> None:
    steps = ScriptDirectory(str(schema._MIGRATIONS)).walk_revisions()
    assert [step.revision for step in steps] == schema.revisions(schema._MIGRATIONS)[::-1]


def test_a_server_at_the_head_needs_no_alembic() -> None:
    heavy = ("alembic", "mako", "joserfc", "cryptography", "typer")
    code = f"import sys, koine.server.run; print(*(set({heavy}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


async def test_a_release_migrates_the_tables_of_the_one_before(
    fresh_db: Database, next_release: None
) -> None:
    with pytest.raises(schema.WrongSchema, match="koine migrate"):
        await schema.check(fresh_db)
    await asyncio.gather(*(schema.migrate(fresh_db) for _ in range(3)))
    await schema.check(fresh_db)
    assert await fresh_db.version() == "9000"
    assert any(line.startswith("tenants.colour") for line in await _catalogue(fresh_db))


async def test_every_statement_of_the_store_is_accepted(db: Database) -> None:
    refused = []
    for statement in _statements():
        text = _text(RENDERERS[db.kind], statement)
        try:
            await _prepare(db, statement, text)
        except Exception as error:
            refused.append(f"{statement.origin}: {error!r}: {text}")
    assert not refused, "\n".join(refused)


def _statements() -> list[statements.Statement]:
    for found in pkgutil.walk_packages(store.__path__, "koine.store."):
        if ".migrations" not in found.name:
            importlib.import_module(found.name)
    for family in list(statements.VARIANTS):
        family.sample()
    ours = [s for s in statements.STATEMENTS if s.module.startswith("koine.store.")]
    assert len(ours) > 50
    return ours


def _text(renderer: Any, statement: statements.Statement) -> str:
    if isinstance(statement, statements.Query | statements.Command):
        return str(renderer.render(statement).text)
    return str(renderer.render_many(statement))


async def _prepare(db: Any, statement: statements.Statement, text: str) -> None:
    if db.kind == "postgres":
        async with db._pool.connection() as pooled:
            await pooled.connection.prepare(text)
            await pooled.connection.execute("SELECT 1")  # sends the Sync that ends the preparation
    else:
        marks = len(getattr(statement, "columns", ())) or text.count("?")
        marks += getattr(statement, "numbered", None) is not None
        db._reader.execute(f"EXPLAIN {text}", [None] * marks)


async def _rebuild(db: Database) -> None:
    dialect = RENDERERS[db.kind].DIALECT
    made: list[Any] = [CreateTable(table) for table in metadata.sorted_tables]
    made += [CreateIndex(index) for table in metadata.sorted_tables for index in table.indexes]
    ddl = ";".join(str(element.compile(dialect=dialect)) for element in made)
    await db.alter_schema(lambda _: f"{_drops(db)}; {ddl}")


def _drops(db: Database) -> str:
    tables = reversed(metadata.sorted_tables)
    return ";".join(f"DROP TABLE {table.name}" for table in tables)


_POSTGRES_CATALOGUE = """
SELECT table_name || '.' || column_name || ' ' || ordinal_position || data_type || is_nullable
  || coalesce(column_default, '') FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace
"""
_SQLITE_CATALOGUE = """
SELECT t.name || '.' || c.name || ' ' || c.cid || c.type || c."notnull" || c.pk
  FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'
UNION ALL SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
UNION ALL SELECT t.name || ' ' || f."from" || f."table" || f."to" || f.on_delete
  FROM sqlite_schema t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'
"""


async def _catalogue(db: Any) -> list[str]:
    """Every column, index and constraint, from the catalogue of the database."""
    if db.kind == "postgres":
        async with db._pool.connection() as pooled:
            return sorted(str(row[0]) for row in await pooled.connection.fetch(_POSTGRES_CATALOGUE))
    rows = db._reader.execute(_SQLITE_CATALOGUE).fetchall()
    return sorted(" ".join(str(row[0]).split()) for row in rows)
