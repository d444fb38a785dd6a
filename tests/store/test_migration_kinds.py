"""Each migration says whether older nodes can work with its result, and it is stored."""

from functools import cache
from pathlib import Path

import pytest

from koine.store import migration_files, migration_plan, migration_records, migration_sql, schema
from koine.store.core.db import Database
from koine.store.migration_files import Migration
from koine.store.migration_plan import Lock
from tests.support.migration_rules import breaks
from tests.support.next_release import migrate_by_next_release

DIRECTORY = schema._MIGRATIONS
MIGRATIONS = migration_files.list_all(DIRECTORY)


@cache
def steps(kind: str) -> dict[str, str]:
    sql = migration_sql.script(kind, None, DIRECTORY)
    return {each.migration.revision: each.sql for each in migration_plan.steps(sql, MIGRATIONS)}


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda each: each.revision)
def test_a_migration_that_drops_or_renames_is_declared_to_contract(migration: Migration) -> None:
    """Declare `kind = "contracts"`, or make it add: CONTRIBUTING.md, Migrations."""
    (file,) = DIRECTORY.glob(f"versions/{migration.revision}_*.py")
    assert f'\nkind = "{migration.kind}"' in file.read_text(), f"{file.name} declares no kind"
    if migration.kind == "adds":
        texts = [steps(kind)[migration.revision] for kind in ("sqlite", "postgres")]
        assert [line for text in texts for line in breaks(text)] == []


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("ALTER TABLE a RENAME TO b", "renames"),
        ("ALTER TABLE a RENAME COLUMN b TO c", "renames"),
        ("ALTER TABLE a DROP COLUMN b", "drops a column"),
        ("DROP TABLE a", "drops a table"),
        ("ALTER TABLE a ALTER COLUMN b TYPE BIGINT", "changes a type"),
        ("ALTER TABLE a ADD COLUMN b TEXT NOT NULL", "adds a column that must be given"),
        ("ALTER TABLE a ALTER COLUMN b SET NOT NULL", "forbids NULL"),
        ("CREATE UNIQUE INDEX i ON a (b)", "forbids equal values"),
        ("ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0)", "forbids values"),
    ],
)
def test_what_an_older_node_cannot_work_with_is_found(sql: str, reason: str) -> None:
    (found,) = breaks(f"-- a comment\nCREATE INDEX j ON a (c);\n\n{sql};\n")
    assert found.startswith(reason)


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE a ADD COLUMN b TEXT;\n",
        "ALTER TABLE a ADD COLUMN b TEXT DEFAULT 'x' NOT NULL;\n",
        "CREATE TABLE a (b TEXT NOT NULL);\n\nCREATE UNIQUE INDEX i ON a (b);\n",
        "ALTER TABLE a ALTER COLUMN b SET NOT NULL;\n\nALTER TABLE a ALTER b ADD GENERATED X;\n",
        "CREATE TABLE _alembic_tmp_a (b TEXT);\n\nDROP TABLE a;\n\n"
        "ALTER TABLE _alembic_tmp_a RENAME TO a;\n",
        "DROP INDEX i;\n",
    ],
)
def test_what_only_adds_is_accepted(sql: str) -> None:
    assert breaks(sql) == []


def test_a_migration_that_declares_no_kind_contracts(tmp_path: Path) -> None:
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "0001_start.py").write_text('revision = "0001"\n')
    (found,) = migration_files.list_all(tmp_path)
    assert found == Migration("0001", "start", "contracts", "")


async def test_the_kinds_are_stored_when_they_are_applied(fresh_db: Database) -> None:
    stored = await fresh_db.read("", migration_records.list_all)
    assert stored == {
        f"migration:{each.revision}": f"{each.kind} {each.after}".strip() for each in MIGRATIONS
    }


async def test_what_a_newer_koine_applied_is_known(fresh_db: Database, tmp_path: Path) -> None:
    await migrate_by_next_release(fresh_db, tmp_path, "contracts")
    status = await schema.status(fresh_db)
    assert (status.missing, status.is_usable) == ([], False)
    assert status.newer == [Migration("9000", "", "contracts", schema.head())]


RECORDS = {"migration:a": "adds 0002", "migration:b": "contracts a", "migration:c": "adds b"}


@pytest.mark.parametrize(
    ("records", "version", "kinds"),
    [
        (RECORDS, "a", ["adds"]),
        (RECORDS, "c", ["adds", "contracts", "adds"]),
        (RECORDS, "0002", []),
        (RECORDS, "d", None),
        (RECORDS | {"migration:a": "adds d"}, "c", None),
        (RECORDS | {"migration:a": "adds c"}, "c", None),
        (RECORDS | {"migration:a": "mends 0002"}, "a", None),
        (RECORDS | {"migration:a": ""}, "a", None),
    ],
)
def test_the_chain_of_newer_migrations_must_be_complete(
    records: dict[str, str], version: str, kinds: list[str] | None
) -> None:
    found = migration_records.newer_migrations(records, version, "0002")
    assert (None if found is None else [each.kind for each in found]) == kinds


SQL = """\
-- Running upgrade 0001 -> 0002

CREATE TABLE shelves (id BIGINT);

CREATE INDEX shelves_id ON shelves (id);

ALTER TABLE books ADD COLUMN shelf BIGINT;

UPDATE alembic_version SET version_num='0002' WHERE alembic_version.version_num = '0001';

-- Running upgrade 0002 -> 0003

CREATE INDEX books_shelf ON books (shelf);

WITH found AS (SELECT id FROM loans) INSERT INTO counters (value) SELECT count(*) FROM found;

ALTER TABLE readers ADD COLUMN name TEXT;
"""


def test_a_plan_divides_the_sql_and_names_the_locks() -> None:
    missing = [Migration("0002", "shelves", "adds", "0001"), Migration("0003", "x", "adds", "0002")]
    first, second = migration_plan.steps(SQL, missing)
    assert first.sql.startswith("CREATE TABLE shelves") and "books_shelf" in second.sql
    assert migration_plan.locks(SQL, {"books": 7, "counters": 2, "readers": 9}) == [
        Lock("books", ["changed in a moment", "every row is indexed"], 7),
        Lock("counters", ["rows are written"], 2),
        Lock("readers", ["changed in a moment"], 0),
    ]


async def test_an_older_program_does_not_touch_what_a_newer_one_added(
    fresh_db: Database, tmp_path: Path
) -> None:
    await migrate_by_next_release(fresh_db, tmp_path, "adds")
    await schema.check(fresh_db)
    await schema.migrate(fresh_db)
    assert await fresh_db.version() == "9000"
