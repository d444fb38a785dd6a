"""Copies of a PostgreSQL database, when its programs are not there or fail."""

from pathlib import Path

import pytest

from koine.store.copies import CannotCopy
from koine.store.postgres.copying import PostgresCopying
from tests.support.shared_postgres import SharedPostgres

SCRIPT = '#!/bin/sh\necho "$0 $*" > {seen}\necho "no room" >&2\nexit 1\n'


async def test_programs_that_are_not_there_are_told(
    shared_postgres: SharedPostgres, tmp_path: Path
) -> None:
    copies = PostgresCopying(shared_postgres.new_empty_database(), str(tmp_path))
    with pytest.raises(CannotCopy, match=r"no pg_restore in .*KOINE_POSTGRES_PROGRAMS"):
        await copies.put(tmp_path / "dump")


async def test_what_a_program_says_is_told_and_it_gets_no_password_to_show(
    shared_postgres: SharedPostgres, tmp_path: Path
) -> None:
    program, seen = tmp_path / "pg_restore", tmp_path / "seen"
    program.write_text(SCRIPT.format(seen=seen))
    program.chmod(0o755)
    url = shared_postgres.new_empty_database()
    with pytest.raises(CannotCopy, match="pg_restore failed: no room"):
        await PostgresCopying(url, str(tmp_path)).put(tmp_path / "dump")
    secret = url.partition("//koine:")[2].partition("@")[0]
    assert secret and secret not in seen.read_text()


async def test_an_empty_database_has_nothing_to_copy(
    shared_postgres: SharedPostgres, tmp_path: Path
) -> None:
    copies = PostgresCopying(shared_postgres.new_empty_database(), shared_postgres.programs())
    with pytest.raises(CannotCopy, match="empty"):
        await copies.take(tmp_path / "dump")


async def test_a_server_that_does_not_answer_is_told(tmp_path: Path) -> None:
    copies = PostgresCopying("postgresql://u:secret@127.0.0.1:1/x", "")
    with pytest.raises(CannotCopy, match="refuses us"):
        await copies.take(tmp_path / "dump")
