"""Which backups are kept, and that nothing else is removed."""

from pathlib import Path

import pytest

from chaos.seed import home_engine
from chaos.servers import ServerHome
from koine.kit.backup_rules import parse_retention
from koine.kit.times import DAY, HOUR, iso_ms, parse_iso
from koine.server.backup import info
from koine.server.backup.catalog import StoredBackup, list_backups
from koine.server.backup.create import backup_name
from koine.server.backup.info import BackupInfo
from koine.server.backup.prune import PrunePlan, plan, prune, remove
from koine.server.backup.run import Reports, StoredBackupError, run_backup
from koine.server.backup.target import FolderTarget

NOON = parse_iso("2026-11-30T12:00")
OURS, OTHERS = "our-server", "another-server"


def stored(at: int, *, server: str = OURS, verified: bool = True, name: str = "") -> StoredBackup:
    made = iso_ms(at)
    about = BackupInfo(
        server=server,
        created_at=made,
        koine="1",
        kind="sqlite",
        size=1,
        verified_at=made if verified else None,
    )
    name = name or backup_name(made)
    return StoredBackup(name=name, where=f"/backups/{name}", size=1, info=about)


def kept(found: PrunePlan) -> list[int]:
    """How many days old the kept ones are."""
    return [(NOON - each.created_at) // DAY for each, _ in found.kept]


def put(target: FolderTarget, folder: Path, backup: StoredBackup) -> None:
    """Write something of the backup's size, and its info file."""
    assert backup.info is not None
    (folder / backup.name).write_bytes(b"x" * backup.size)
    target.write(info.info_name(backup.name), info.encode(backup.info))


def daily(days: int) -> list[StoredBackup]:
    """A backup at each noon, in no order."""
    return [stored(NOON - day * DAY) for day in sorted(range(days), key=lambda day: day % 7)]


def test_the_newest_of_each_day_week_and_month_is_kept() -> None:
    found = plan(parse_retention("3d,3w,3m"), OURS, NOON, daily(100))
    # 30 November 2026 is a Monday: Sundays are the newest of their weeks.
    assert kept(found) == [0, 1, 2, 8, 30, 61]
    whys = [why for _, why in found.kept]
    assert whys[:2] == ["newest verified, daily, weekly, monthly", "daily, weekly"]
    assert whys[2:] == ["daily", "weekly", "monthly", "monthly"]
    assert len(found.removed) == 94 and not found.untouched


def test_of_several_backups_of_a_day_the_newest_is_kept() -> None:
    backups = [stored(NOON - hours * HOUR) for hours in (0, 1, 24, 25)]
    found = plan(parse_retention("2d"), OURS, NOON, backups)
    assert [each.created_at for each, _ in found.kept] == [NOON, NOON - 24 * HOUR]


def test_days_without_a_backup_do_not_count() -> None:
    backups = [stored(NOON - n * 10 * DAY) for n in range(4)]
    assert kept(plan(parse_retention("2d"), OURS, NOON, backups)) == [0, 10]


def test_a_number_alone_is_of_the_newest() -> None:
    assert kept(plan(parse_retention("2"), OURS, NOON, daily(5))) == [0, 1]


def test_hours_and_years_are_kept() -> None:
    backups = [stored(NOON - hours * HOUR) for hours in range(48)] + [stored(NOON - 400 * DAY)]
    found = plan(parse_retention("2h,2y"), OURS, NOON, backups)
    assert [(NOON - each.created_at) // HOUR for each, _ in found.kept] == [0, 1, 400 * 24]


def test_a_verified_backup_is_kept_before_an_unverified_one_of_its_day() -> None:
    backups = [stored(NOON), stored(NOON - DAY, verified=False), stored(NOON - DAY - HOUR)]
    found = plan(parse_retention("2d"), OURS, NOON, backups)
    assert [each.created_at for each, _ in found.kept] == [NOON, NOON - DAY - HOUR]


def test_the_newest_verified_backup_and_those_after_it_are_always_kept() -> None:
    backups = [stored(NOON - day * DAY, verified=day >= 3) for day in range(6)]
    found = plan(parse_retention("1d"), OURS, NOON, backups)
    assert kept(found) == [0, 1, 2, 3]
    none = [stored(NOON - day * DAY, verified=False) for day in range(3)]
    assert plan(parse_retention("1d"), OURS, NOON, none).removed == []


@pytest.mark.parametrize(
    "foreign",
    [
        stored(NOON - 9 * DAY, server=OTHERS),
        stored(NOON - 9 * DAY, server=""),
        stored(NOON - 9 * DAY, name="before-the-upgrade.tar"),
        stored(NOON - 9 * DAY, name="koine-old.tar"),
        StoredBackup(name=backup_name(iso_ms(NOON + 1000)), where="/b", size=1, info=None),
    ],
    ids=["another server", "no server", "named by hand", "named alike", "damaged"],
)
def test_what_is_not_surely_ours_is_not_touched(foreign: StoredBackup) -> None:
    found = plan(parse_retention("1d"), OURS, NOON, [*daily(3), foreign])
    assert found.untouched == [foreign] and len(found.removed) == 2


def test_without_an_id_nothing_is_removed() -> None:
    nameless = [stored(NOON - n * DAY, server="") for n in range(3)]
    assert plan(parse_retention("1d"), "", NOON, nameless).removed == []


def test_a_backup_of_a_wrong_clock_does_not_displace_new_ones() -> None:
    future = stored(NOON + 365 * DAY)
    found = plan(parse_retention("1d"), OURS, NOON, [*daily(3), future])
    assert kept(found) == [0] and found.untouched == [future]
    assert len(found.removed) == 2


def test_only_what_is_not_kept_is_removed_from_the_folder(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path)
    for each in [*daily(3), stored(NOON - 5 * DAY, server=OTHERS)]:
        put(target, tmp_path, each)
    (tmp_path / "koine-notes.tar").write_text("mine")
    removed = prune(target, parse_retention("2d"), OURS, NOON)
    assert removed == [backup_name(iso_ms(NOON - 2 * DAY))]
    left = {backup_name(iso_ms(NOON - days * DAY)) for days in (0, 1, 5)}
    assert {each.name for each in list_backups(target)} == left
    assert {each.name for each in tmp_path.iterdir()} == {
        "koine-notes.tar", *left, *map(info.info_name, left),
    }  # fmt: skip


def test_an_info_file_of_another_backup_does_not_count(tmp_path: Path) -> None:
    target, each = FolderTarget(tmp_path), stored(NOON)
    put(target, tmp_path, each)
    (tmp_path / each.name).write_bytes(b"another backup, of another size")
    (found,) = list_backups(target)
    assert found.info is None


def test_a_backup_that_was_replaced_meanwhile_is_left_alone(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path)
    for each in daily(2):
        put(target, tmp_path, each)
    (old,) = plan(parse_retention("1d"), OURS, NOON, list_backups(target)).removed
    (tmp_path / old.name).write_bytes(b"a new backup")
    assert remove(target, [old]) == []
    assert (tmp_path / old.name).read_bytes() == b"a new backup"


async def test_what_fails_after_the_backup_is_stored_says_that_it_is(tmp_path: Path) -> None:
    home = ServerHome(tmp_path / "home")
    async with home_engine(home) as engine:
        (tmp_path / "b.tar.json").mkdir()
        with pytest.raises(StoredBackupError, match=r"b\.tar: .*b\.tar\.json"):
            await run_backup(engine.settings, str(tmp_path / "b.tar"), reports=Reports())
    assert (tmp_path / "b.tar").is_file()


def test_times_of_info_files_are_checked() -> None:
    bad = BackupInfo(server=OURS, created_at="soon", koine="1", kind="sqlite", size=1)
    each = StoredBackup(name=backup_name(iso_ms(NOON)), where="/b", size=1, info=bad)
    assert each.created_at == 0
    assert plan(parse_retention("1d"), OURS, NOON, [each]).untouched == [each]
