"""Compare a database and its uploads with the manifest of their backup."""

from pathlib import Path

from koine.engine.conversations.files import relative_path
from koine.kit.settings import Settings
from koine.server.backup.manifest import DATABASE, BackupManifest, BadBackup
from koine.server.backup.tar import unpack
from koine.server.database import database_backup
from koine.store import schema
from koine.store.backup import RunSelect, database_stats, file_keys, numbering_gaps, table_name


async def verify(settings: Settings, path: Path, folder: Path) -> tuple[BackupManifest, list[str]]:
    """Unpack a backup into `folder`, restore its database into a temporary one and compare both
    with the manifest; returns the manifest and the differences, each a sentence. Raises BadBackup,
    BackupError."""
    manifest = unpack_and_open(settings, path, folder)
    async with database_backup(settings).open_backup(folder / DATABASE) as select:
        return manifest, await differences(select, manifest, folder)


def unpack_and_open(settings: Settings, path: Path, folder: Path) -> BackupManifest:
    """Unpack a backup. Raises BadBackup, also for another kind of database than that of the
    settings, or a schema that a newer Koine has done more to than add."""
    manifest = unpack(path, folder)
    kind = database_backup(settings).kind
    if manifest.kind != kind:
        raise BadBackup(
            f"it is a backup of {manifest.kind}, and the settings name a {kind} database: "
            "see KOINE_DATABASE_URL"
        )
    found = schema.compare(manifest.stats.schema, manifest.stats.migrations)
    if not found.is_usable and not found.missing:
        raise BadBackup(
            f"this version cannot work with its schema {manifest.stats.schema}: "
            f"use Koine {manifest.koine} or a newer one"
        )
    return manifest


async def differences(
    select: RunSelect, manifest: BackupManifest, data: Path, *, migrated: bool = False
) -> list[str]:
    """How a database and the uploads in the data folder `data` differ from the manifest.

    `migrated`: the database was migrated to this program's schema after it was restored.
    """
    expected = manifest.stats
    found = await database_stats(select, expected.tables)
    counts = {name: found.tables.get(table_name(name)) for name in expected.tables}
    wrong = [
        f"{name}: rows backed up: {expected.tables[name]:,}, there: {count or 0:,}"
        for name, count in counts.items()
        if expected.tables[name] != count
    ]
    if found.position != expected.position:
        wrong.append(f"the newest event is {found.position}, it was {expected.position}")
    revision = expected.schema
    if migrated and schema.knows(revision):
        revision = schema.head()
    if found.schema != revision:
        wrong.append(f"the schema is {found.schema}, not {revision}")
    missing = [key for key in await file_keys(select) if not (data / relative_path(key)).is_file()]
    wrong += [f"upload {key} is missing" for key in sorted(set(missing) - set(manifest.deleted))]
    return wrong + await numbering_gaps(select)
