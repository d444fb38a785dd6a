"""The checks of `koine doctor` beyond those at the start of a server."""

from koine.kit.settings import Settings
from koine.server.database import (
    StartupError,
    database_name,
    is_postgres,
    open_database,
    sqlite_path,
)
from koine.server.preflight import Finding, check_database
from koine.server.secret_check import check_secrets
from koine.store import schema
from koine.store.core.db import MissingRight
from koine.store.schema import WrongSchema


async def diagnose_database(settings: Settings) -> list[Finding]:
    """Whether the database can be opened, its version, its schema, and its durability."""
    if not is_postgres(settings) and not sqlite_path(settings).exists():
        where = database_name(settings)
        return [Finding("ok", "database", f"{where} is not there yet, it will be made")]
    try:
        db = await open_database(settings)
    except StartupError as error:
        return [Finding("problem", "database", str(error), "see KOINE_DATABASE_URL")]
    try:
        size = await db.size_bytes() / (1 << 20)
        found = [Finding("ok", "database", f"{database_name(settings)} answers, {size:.1f} MiB")]
        try:
            await schema.check(db)
            found.append(Finding("ok", "tables", f"at {await db.version()}"))
            found += await check_secrets(db, settings)
        except WrongSchema as error:
            found.append(Finding("problem", "tables", str(error), "koine migrate"))
        except MissingRight as error:
            found.append(Finding("problem", "tables", str(error)))
    finally:
        await db.close()
    return found + await check_database(settings)
