"""Findings that keep a server from starting, and warnings."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from koine.kit.settings import environment, load
from koine.server import preflight
from koine.server.database import StartupError
from koine.server.preflight import (
    Finding,
    check_database,
    check_database_before_start,
    check_files,
    check_machine,
    check_secret_key,
    check_settings,
    file_system_type,
    raise_fatal,
)
from koine.store.postgres.server_check import ServerSettings
from koine.store.sqlite import connection
from tests.support.shared_postgres import SharedPostgres

MOUNTS = """\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 27 0:35 / /srv/data\\040here rw shared:1 - nfs4 nas:/data rw,vers=4.2
41 27 0:36 / /srv rw - xfs /dev/vdb rw
"""


def checks(found: list[Finding]) -> dict[str, str]:
    return {each.about: each.level for each in found}


def test_several_workers_on_a_file_are_refused() -> None:
    (finding,) = check_settings({}, load({}, {"workers": 2}))
    assert finding.fatal and "several workers need PostgreSQL" in finding.found


@pytest.mark.parametrize(
    ("settings", "checks"),
    [
        ({}, set()),
        ({"demo": True}, set()),
        ({"host": "0.0.0.0"}, {"host"}),
        ({"host": "0.0.0.0", "base_url": "http://chat.test"}, {"host", "proxies"}),
        ({"host": "0.0.0.0", "base_url": "https://chat.test"}, {"proxies"}),
        ({"base_url": "https://chat.test"}, {"proxies"}),
        ({"base_url": "https://chat.test", "trusted_proxies": "127.0.0.1"}, set()),
        ({"body_max_seconds": 60}, {"limits"}),
        ({"connections_per_address": 100}, {"limits"}),
        ({"connections_per_address": 100, "streams_per_address": 50}, set()),
        ({"host": "::", "demo": True}, {"host", "demo"}),
        ({"upload_budget_per_contact": 1 << 20}, {"uploads"}),
        ({"upload_budget_per_contact": 0}, set()),
        ({"backup_schedule": "1d", "backup_to": "/b"}, {"backups"}),
        ({"backup_schedule": "1d", "backup_to": "/b", "backup_keep": "7d"}, set()),
        ({"backup_to": "s3://bucket", "s3_access_key": "a", "s3_secret_key": "s"}, set()),
    ],
)
def test_an_exposed_server_is_a_warning(settings: dict[str, object], checks: set[str]) -> None:
    found = list(check_settings({}, load({}, settings)))
    assert {each.about for each in found} == checks
    assert {each.level for each in found} <= {"warning"} and not any(f.fatal for f in found)


@pytest.mark.parametrize("given", [{}, {"s3_access_key": "key"}, {"s3_secret_key": "secret"}])
def test_scheduled_backups_into_a_store_without_its_key_are_a_problem(
    given: dict[str, object],
) -> None:
    (finding,) = check_settings({}, load({}, {"backup_to": "s3://bucket", **given}))
    assert finding.level == "problem" and "KOINE_S3_" in finding.found
    assert "secret" not in finding.found + finding.advice


def test_an_encryption_key_in_the_database_is_a_warning() -> None:
    assert check_secret_key(load({}, {})).level == "warning"
    assert check_secret_key(load({}, {"secret_key": "k" * 32})).level == "ok"


def test_a_folder_that_does_not_exist_yet_is_ok(tmp_path: Path) -> None:
    settings = load({}, {"data_dir": str(tmp_path / "not-there")})
    assert [f.level for f in check_files(settings)] == ["ok"]


def test_a_data_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "data"):
        with pytest.raises(StartupError, match=rf"{tmp_path}/file is no folder.*KOINE_DATA_DIR"):
            check_machine(load({}, {"data_dir": str(folder)}))


def test_little_disk_space_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load({}, {"data_dir": str(tmp_path)})
    usage = shutil.disk_usage(tmp_path)
    share = usage.free / usage.total
    for least, level in ((share / 2, "ok"), (share * 2, "warning"), (share * 20, "problem")):
        monkeypatch.setattr(preflight, "LOW_DISK_SHARE", least)
        assert checks(list(check_files(settings)))["disk"] == level


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/koine", "ext4"),
        ("/srv/data here/koine.db", "nfs4"),
        ("/srv/database", "xfs"),
    ],
)
def test_the_disk_of_a_path(path: str, kind: str) -> None:
    assert file_system_type(Path(path), MOUNTS) == kind


async def test_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 0:1 / {tmp_path} rw - nfs nas:/ rw\n")
    monkeypatch.setattr(preflight, "MOUNTINFO", mounts)
    with pytest.raises(StartupError, match=r"network file system \(nfs\)"):
        await check_database_before_start(load({}, {"data_dir": str(tmp_path)}))


async def test_a_sqlite_that_corrupts_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_MINIMUM_VERSION", (99, 0, 0))
    with pytest.raises(StartupError, match="WAL-reset"):
        await check_database_before_start(load({}, {"data_dir": "not-there"}))


async def test_an_unsafe_database_server_is_refused_unless_allowed(
    shared_postgres: SharedPostgres,
) -> None:
    url = shared_postgres.new_empty_database()
    with pytest.raises(StartupError, match=r"fsync is off.*KOINE_UNSAFE_DATABASE=true"):
        await check_database_before_start(load({}, {"database_url": url}))
    settings = load({}, {"database_url": url, "unsafe_database": True})
    await check_database_before_start(settings)
    assert checks(await check_database(settings))["durability"] == "warning"


def test_clocks_that_differ_are_a_warning() -> None:
    settings = load({}, {"database_url": "postgresql://x/y"})
    for skew, level in ((4.9, "ok"), (5.1, "warning")):
        found = list(preflight._postgres(ServerSettings("16.1", [], skew), settings))
        assert checks(found)["clock"] == level
        raise_fatal(found)


def test_a_refused_server_says_why_and_exits_with_1(tmp_path: Path) -> None:
    settings = load({}, {"workers": 2, "port": 0, "data_dir": str(tmp_path)})
    env = environment(settings) | {"KOINE_BODY_LIMITS": "1"}
    done = subprocess.run([sys.executable, "-m", "koine.server"], env=env, capture_output=True)
    assert done.returncode == 1
    assert b"unknown: KOINE_BODY_LIMITS" in done.stderr
    assert b"koine: several workers need PostgreSQL" in done.stderr
