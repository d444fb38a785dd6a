"""The checks that only `koine doctor` makes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from koine.kit.settings import Settings, load
from koine.server.operator_checks import (
    check_backup_folder,
    check_programs,
    check_server,
    check_service,
)
from koine.server.preflight import Finding
from tests.support import postgres
from tests.support.databases import with_tables
from tests.support.restricted_role import restricted_role
from tests.support.shared_postgres import SharedPostgres

SERVICE = "[Service]\nTimeoutStopSec=60\n"


def settings(url: str = "", **more: object) -> Settings:
    return load({}, {"database_url": url, **more})


def levels(found: list[Finding]) -> dict[str, str]:
    return {each.about: each.level for each in found}


@pytest.fixture
def owner_url(shared_postgres: SharedPostgres) -> Iterator[str]:
    with restricted_role(shared_postgres.new_empty_database()) as url:
        yield url


async def test_a_superuser_with_its_programs_has_no_problem(
    shared_postgres: SharedPostgres,
) -> None:
    url = shared_postgres.new_empty_database()
    found = await check_server(settings(url, postgres_programs=shared_postgres.programs()))
    assert levels(found) == {"connections": "ok"}
    assert "workers 1 × 11" in found[0].found


async def test_too_many_workers_for_the_server_are_a_problem(
    shared_postgres: SharedPostgres,
) -> None:
    url = shared_postgres.new_empty_database()
    (first, *_) = await check_server(settings(url, workers=40))
    assert first.level == "problem" and "up to 440" in first.found
    assert "max_connections" in first.advice


async def test_a_role_that_cannot_verify_backups_gets_the_right_as_advice(owner_url: str) -> None:
    found = [each for each in await check_server(settings(owner_url)) if "CREATEDB" in each.advice]
    assert [each.level for each in found] == ["warning"]


async def test_a_role_that_may_not_create_tables_gets_the_right_as_advice(
    shared_postgres: SharedPostgres,
) -> None:
    with restricted_role(shared_postgres.new_empty_database(), owner=False) as url:
        found = {each.about: each for each in await check_server(settings(url))}
    assert found["rights"].level == "problem"
    assert "GRANT CREATE ON SCHEMA public TO koine_role_" in found["rights"].advice


async def test_tables_that_the_search_path_does_not_reach_are_a_problem(owner_url: str) -> None:
    await with_tables(owner_url)
    assert "schema" not in levels(await check_server(settings(owner_url)))
    path = "ALTER ROLE CURRENT_USER SET search_path = "
    postgres.execute(owner_url, f"CREATE SCHEMA other; {path}other")
    found = {each.about: each for each in await check_server(settings(owner_url))}
    assert "in the schema public" in found["schema"].found
    postgres.execute(owner_url, f"{path}other, public")
    found = {each.about: each for each in await check_server(settings(owner_url))}
    assert found["schema"].level == "warning" and "would go into other" in found["schema"].found


async def test_a_server_that_does_not_answer_is_a_finding() -> None:
    (finding,) = await check_server(settings("postgresql://u:secret@127.0.0.1:1/x"))
    assert finding.level == "problem" and "secret" not in finding.found


def program(folder: Path, name: str, version: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version} (Debian {version}-1)'\n")
    file.chmod(0o755)


def test_missing_and_old_programs_of_backups_are_warnings(tmp_path: Path) -> None:
    known = settings(postgres_programs=str(tmp_path))
    assert [each.level for each in check_programs(known, 16)] == ["warning", "warning"]
    program(tmp_path, "pg_dump", "15.14")
    program(tmp_path, "pg_restore", "16.2")
    (old,) = check_programs(known, 16)
    assert "pg_dump is of PostgreSQL 15, and the server of 16" in old.found
    assert list(check_programs(known, 15)) == []


def test_the_folder_of_backups_needs_space_and_the_right_to_write(tmp_path: Path) -> None:
    known = settings(data_dir=str(tmp_path / "data"))
    (fits,) = check_backup_folder(tmp_path / "not" / "there", 1 << 20, known)
    assert fits.level == "ok"
    (full,) = check_backup_folder(tmp_path, 1 << 60, known)
    assert full.level == "warning" and "GiB free" in full.found


def test_the_unit_must_wait_for_the_end_of_a_drain(tmp_path: Path) -> None:
    unit, nothing = tmp_path / "koine.service", tmp_path / "koine.env"
    assert list(check_service({}, settings(), unit, nothing)) == []
    unit.write_text(SERVICE)
    assert list(check_service({}, settings(), unit, nothing)) == []
    drop_in = tmp_path / "koine.service.d"
    drop_in.mkdir()
    (drop_in / "override.conf").write_text("[Service]\nTimeoutStopSec=10\n")
    (found,) = check_service({}, settings(), unit, nothing)
    assert found.level == "warning" and "TimeoutStopSec above 12" in found.advice


def test_a_command_without_the_settings_of_the_service_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "koine.env"
    file.write_text("# Settings\nKOINE_DATABASE_URL=postgresql://db/koine\nKOINE_WORKERS=2\n")
    file.chmod(0o640)
    unit = tmp_path / "koine.service"
    (found,) = check_service({"KOINE_WORKERS": "2"}, settings(), unit, file)
    assert "sets KOINE_DATABASE_URL, and this command runs without" in found.found
    given = {"KOINE_WORKERS": "2", "KOINE_DATABASE_URL": "postgresql://db/koine"}
    assert list(check_service(given, settings(), unit, file)) == []
    file.chmod(0o644)
    (found,) = check_service(given, settings(), unit, file)
    assert found.level == "problem" and "chmod 640" in found.advice
