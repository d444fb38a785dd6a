"""Copying and restoring a database; a failure leaves the old one as it was."""

from contextlib import closing
from pathlib import Path

import apsw
import asyncpg
import pytest

from koine.store.backup import BackupError
from koine.store.postgres.backup import PostgresBackup, without_password
from koine.store.sqlite.backup import SqliteBackup
from tests.support.shared_postgres import SharedPostgres

SCRIPT = '#!/bin/sh\necho "$0 $*" > {seen}\necho "no room" >&2\nexit 1\n'


async def test_a_missing_program_is_reported(
    shared_postgres: SharedPostgres, tmp_path: Path
) -> None:
    copies = PostgresBackup(shared_postgres.new_empty_database(), str(tmp_path))
    with pytest.raises(BackupError, match=r"no pg_restore in .*KOINE_POSTGRES_PROGRAMS"):
        await copies.restore(tmp_path / "dump")


async def test_the_output_of_a_failed_program_is_reported_without_the_password(
    shared_postgres: SharedPostgres, tmp_path: Path
) -> None:
    program, seen = tmp_path / "pg_restore", tmp_path / "seen"
    program.write_text(SCRIPT.format(seen=seen))
    program.chmod(0o755)
    url = shared_postgres.new_empty_database()
    with pytest.raises(BackupError, match="pg_restore failed: no room"):
        await PostgresBackup(url, str(tmp_path)).restore(tmp_path / "dump")
    secret = url.partition("//koine:")[2].partition("@")[0]
    assert secret and secret not in seen.read_text()


async def test_an_empty_database_is_not_copied(
    shared_postgres: SharedPostgres, tmp_path: Path
) -> None:
    copies = PostgresBackup(shared_postgres.new_empty_database(), shared_postgres.programs())
    with pytest.raises(BackupError, match="empty"):
        await copies.create(tmp_path / "dump")


async def test_an_unreachable_server_is_reported(tmp_path: Path) -> None:
    copies = PostgresBackup("postgresql://u:secret@127.0.0.1:1/x", "")
    with pytest.raises(BackupError, match="does not answer"):
        await copies.create(tmp_path / "dump")


@pytest.mark.parametrize(
    ("url", "named", "password"),
    [
        ("postgresql://u:p%40%23@db:1/x", "postgresql://u@db:1/x", "p@#"),
        ("postgresql://u@db/x?password=p%40&a=b", "postgresql://u@db/x?a=b", "p@"),
        ("postgresql://u:x%3Ay@a,b/x?a=b", "postgresql://u@a,b/x?a=b", "x:y"),
        ("postgresql:///x?host=/run/db", "postgresql:///x?host=/run/db", ""),
    ],
)
def test_a_url_for_a_command_line_has_no_password(url: str, named: str, password: str) -> None:
    assert without_password(url) == (named, password)


@pytest.mark.parametrize("script", [None, "#!/bin/sh\nexit 1\n"])
async def test_a_failed_restore_keeps_the_database_as_it_was(
    shared_postgres: SharedPostgres, tmp_path: Path, script: str | None
) -> None:
    if script:
        (tmp_path / "pg_restore").write_text(script)
        (tmp_path / "pg_restore").chmod(0o755)
    url = shared_postgres.new_empty_database()
    await held(url, "CREATE TABLE tenants (id int PRIMARY KEY); INSERT INTO tenants VALUES (7)")
    with pytest.raises(BackupError):
        await PostgresBackup(url, str(tmp_path)).restore(tmp_path / "dump")
    assert await held(url, _LOOK) == [("public", 7)]


async def test_the_old_database_is_deleted_after_the_copy_has_replaced_it(
    shared_postgres: SharedPostgres, tmp_path: Path
) -> None:
    url, copies = shared_postgres.new_empty_database(), shared_postgres.programs()
    await held(url, "CREATE TABLE tenants (id int PRIMARY KEY); INSERT INTO tenants VALUES (1)")
    await PostgresBackup(url, copies)._run("pg_dump", url, "-Fc", f"--file={tmp_path / 'dump'}")
    await held(url, "UPDATE tenants SET id = 2; CREATE TABLE newer (id int)")
    await PostgresBackup(url, copies).restore(tmp_path / "dump")
    assert await held(url, _LOOK) == [("public", 1)]
    assert await held(url, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'koine%'") == []


_LOOK = "SELECT t.table_schema, id FROM information_schema.tables t, tenants WHERE t.table_schema"
_LOOK += " NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"


async def held(url: str, text: str) -> list[tuple[object, ...]]:
    """The value that a statement returns."""
    connection = await asyncpg.connect(url)
    try:
        if not text.startswith("SELECT"):
            await connection.execute(text)
            return []
        return [tuple(row) for row in await connection.fetch(text)]
    finally:
        await connection.close()


async def test_a_damaged_file_replaces_nothing(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("koine.db", "damaged.db")]
    for path in paths:
        with closing(apsw.Connection(str(path))) as made:
            made.execute(f"CREATE TABLE tenants (id); INSERT INTO tenants VALUES ('{path.name}')")
            made.execute("CREATE INDEX by_id ON tenants (id); PRAGMA writable_schema = ON")
            if path is paths[1]:
                made.execute("DELETE FROM sqlite_schema WHERE name = 'by_id'")
    with pytest.raises(BackupError, match="damaged"):
        await SqliteBackup(paths[0]).restore(paths[1])
    with closing(apsw.Connection(str(paths[0]))) as kept:
        assert kept.execute("SELECT id FROM tenants").fetchall() == [("koine.db",)]
