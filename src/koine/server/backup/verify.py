"""Compare a database with what the manifest of its archive says it should be."""

from pathlib import Path

from koine.engine.conversations.files import relative_path
from koine.kit.settings import Settings
from koine.server.backup.manifest import DATABASE, BadArchive, Manifest
from koine.server.backup.tar import unpack
from koine.server.database import database_backup
from koine.store import schema
from koine.store.backup import RunSelect, database_stats, file_keys, numbering_gaps, table_name


async def verify(settings: Settings, path: Path, folder: Path) -> tuple[Manifest, list[str]]:
    """Unpack an archive into `folder`, restore its database into a temporary one and compare them;
    answers the differences, a sentence each. Raises BadArchive, BackupError."""
    manifest = unpack_and_open(settings, path, folder)
    async with database_backup(settings).open_backup(folder / DATABASE) as ask:
        return manifest, await differences(ask, manifest, folder)


def unpack_and_open(settings: Settings, path: Path, folder: Path) -> Manifest:
    """Unpack an archive that this program and these settings can do something with.

    Raises BadArchive.
    """
    manifest = unpack(path, folder)
    kind = database_backup(settings).kind
    if manifest.kind != kind:
        raise BadArchive(
            f"it is of a {manifest.kind} database, and the settings name one of {kind}: "
            "see KOINE_DATABASE_URL"
        )
    if not schema.knows(manifest.facts.schema):
        raise BadArchive(
            f"its tables are at {manifest.facts.schema}, made by Koine {manifest.koine}, "
            "which this Koine does not know: use that one or a newer one"
        )
    return manifest


async def differences(
    ask: RunSelect, manifest: Manifest, data: Path, *, migrated: bool = False
) -> list[str]:
    """How a database and the uploads in the data folder `data` differ from what the manifest says.

    `migrated` is a database brought to this program's tables after it was restored.
    """
    said = manifest.facts
    found = await database_stats(ask, said.tables)
    counted = {name: found.tables.get(table_name(name)) for name in said.tables}
    wrong = [
        f"{name}: {said.tables[name]} rows were backed up, {count} are there"
        for name, count in counted.items()
        if said.tables[name] != count
    ]
    if found.position != said.position:
        wrong.append(f"the newest event is {found.position}, it was {said.position}")
    expected = schema.head() if migrated else said.schema
    if found.schema != expected:
        wrong.append(f"the tables are at {found.schema}, not at {expected}")
    missing = [key for key in await file_keys(ask) if not (data / relative_path(key)).is_file()]
    wrong += [f"upload {key} is missing" for key in sorted(set(missing) - set(manifest.gone))]
    return wrong + await numbering_gaps(ask)
