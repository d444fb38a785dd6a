"""Which backups of a target are kept, and the removal of the others."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from koine.kit.backup_rules import BackupRetention, is_ahead, period
from koine.server.backup import info
from koine.server.backup.catalog import StoredBackup, find, list_backups
from koine.server.backup.target import BackupTarget

WORDS: Mapping[str, str] = {
    "": "newest", "h": "hourly", "d": "daily", "w": "weekly", "m": "monthly", "y": "yearly",
}  # fmt: skip


class PrunePlan(Struct, frozen=True):
    """Backups of one server, newest first: those that are kept, each with why, those to be removed;
    and those that are not touched: nothing shows that they are of this server, or a wrong clock
    made them in the future."""

    kept: list[tuple[StoredBackup, str]]
    removed: list[StoredBackup]
    untouched: list[StoredBackup]


def plan(
    retention: BackupRetention, server: str, now: int, backups: Sequence[StoredBackup]
) -> PrunePlan:
    """Which of these backups the retention keeps of the server with this id, at a time (µs).

    Of each hour, day, week, month and year, as far as they are kept, the newest backup is kept, one
    that was verified rather than one that was not. The newest verified backup and those after it
    (they may just be verified) are always kept.
    """
    ours = [
        each
        for each in backups
        # It would count as the newest, and what is made now would be removed at once.
        if is_ours(each, server) and not is_ahead(each.created_at, now)
    ]
    ours.sort(key=lambda each: (each.created_at, each.name), reverse=True)
    why: dict[str, list[str]] = {each.name: [] for each in ours}
    for each in _newest_verified_and_after(ours):
        why[each.name].append("newest verified" if each.verified_at is not None else "not verified")
    for unit, count in retention.counts.items():
        for each in _newest_of_each(ours, unit, count):
            why[each.name].append(WORDS[unit])
    return PrunePlan(
        [(each, ", ".join(why[each.name])) for each in ours if why[each.name]],
        [each for each in ours if not why[each.name]],
        [each for each in backups if each.name not in why],
    )


def is_ours(backup: StoredBackup, server: str) -> bool:
    """Whether Koine gave it its name, and it is of the server with this id."""
    return (
        info.has_our_name(backup.name)
        and backup.info is not None
        and backup.info.server == server != ""
        and backup.created_at > 0
    )


def remove(target: BackupTarget, backups: Iterable[StoredBackup]) -> list[str]:
    """Remove backups from a target, and return their names. Each is looked at once more: one that
    was replaced since is left alone. Raises BackupError."""
    removed: list[str] = []
    for each in backups:
        assert each.info is not None, "plan() removes no others"
        now = find(target, each.name)
        manifest = target.manifest(each.name)
        if now != each or (manifest is not None and manifest.server != each.info.server):
            continue
        # The info file last: without it nothing in an S3 store is ever removed.
        target.delete(each.name)
        target.delete(info.info_name(each.name))
        removed.append(each.name)
    return removed


def prune(target: BackupTarget, retention: BackupRetention, server: str, now: int) -> list[str]:
    """Remove the backups of a server that the retention does not keep at a time (µs), and return
    their names. Raises BackupError."""
    return remove(target, plan(retention, server, now, list_backups(target)).removed)


def _newest_verified_and_after(ours: Sequence[StoredBackup]) -> Sequence[StoredBackup]:
    """The newest verified backup and what is newer; all of them if none was verified."""
    for n, each in enumerate(ours):
        if each.verified_at is not None:
            return ours[: n + 1]
    return ours


def _newest_of_each(ours: Sequence[StoredBackup], unit: str, count: int) -> list[StoredBackup]:
    """The newest backup of each of the last `count` periods that have one, the newest verified one
    if there is any."""
    chosen: dict[str, StoredBackup] = {}
    for each in ours:
        name = period(unit, each.created_at)
        first = chosen.setdefault(name, each)
        if first.verified_at is None and each.verified_at is not None:
            chosen[name] = each
    return list(chosen.values())[:count]
