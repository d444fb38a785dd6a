"""The checks of `koine doctor` of the database, beyond those at the start of a server."""

from pathlib import Path

from koine.kit.amounts import size
from koine.kit.settings import Settings
from koine.server.database import (
    StartupError,
    database_name,
    is_postgres,
    open_database,
    sqlite_path,
)
from koine.server.move.marks import require_not_moved
from koine.server.operator_checks import check_backup_folder, check_server
from koine.server.preflight import Finding, check_database
from koine.server.secret_check import check_secrets
from koine.store import schema
from koine.store.core.db import Database, MissingRight


async def diagnose_database(settings: Settings, backups: Path | None = None) -> list[Finding]:
    """Whether the database can be opened, its version, schema and durability; on PostgreSQL what
    the server allows; and whether a backup fits into the folder `backups`."""
    if not is_postgres(settings) and not sqlite_path(settings).exists():
        where = database_name(settings)
        return [Finding("ok", "database", f"{where} is not there yet, it will be made")]
    try:
        db = await open_database(settings)
    except StartupError as error:
        return [Finding("problem", "database", str(error), "see KOINE_DATABASE_URL")]
    try:
        stored = await db.size_bytes()
        where = database_name(settings)
        found = [Finding("ok", "database", f"{where} answers, {size(stored)}")]
        found.append(tables := await _tables(db))
        if tables.level == "ok":
            found += await _moved(db, settings)
            found += await check_secrets(db, settings)
    finally:
        await db.close()
    found += await check_database(settings)
    if is_postgres(settings):
        found += await check_server(settings)
    if backups is not None:
        found += check_backup_folder(backups, stored, settings)
    return found


async def _moved(db: Database, settings: Settings) -> list[Finding]:
    try:
        await require_not_moved(db, settings)
    except StartupError as error:
        return [Finding("problem", "moved", str(error), "see docs/move.md")]
    return []


async def _tables(db: Database) -> Finding:
    try:
        status = await schema.status(db)
    except MissingRight as error:
        return Finding("problem", "tables", str(error))
    if fault := status.fault():
        return Finding("problem", "tables", fault.found, fault.advice)
    if status.newer:
        found = f"at {status.version}: a newer Koine has only added to {status.head}, this one's"
        return Finding("ok", "tables", found)
    return Finding("ok", "tables", f"at {status.version}")
