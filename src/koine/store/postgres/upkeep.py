"""Statistics and sizes of the tables, and their compaction."""

from typing import Any

_TO_ANALYZE = (
    "SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables"
    " WHERE n_mod_since_analyze > 500 AND n_mod_since_analyze > n_live_tup / 2"
    " AND n_live_tup < 1000000"  # autovacuum is soon enough for large tables
    " AND schemaname = ANY (current_schemas(false))"
)
_EVERY = (
    "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
    " WHERE schemaname = ANY (current_schemas(false)) ORDER BY 1"
)
_UNLIMITED = "SET statement_timeout = 0; SET lock_timeout = 0"
_ROWS = (
    "SELECT c.relname, greatest(c.reltuples::bigint, s.n_live_tup, 0) FROM pg_class c"
    " JOIN pg_stat_user_tables s ON s.relid = c.oid"
    " WHERE s.schemaname = ANY (current_schemas(false))"
)


async def analyze(connection: Any) -> None:
    """ANALYZE the tables that have grown much."""
    for row in await connection.fetch(_TO_ANALYZE):
        # SKIP_LOCKED: another node may analyze it now.
        await connection.execute(f"ANALYZE (SKIP_LOCKED) {row[0]}")


async def analyze_every(connection: Any) -> None:
    """ANALYZE every table."""
    for row in await connection.fetch(_EVERY):
        await connection.execute(f"ANALYZE {row[0]}")


async def compact(connection: Any, seconds: float) -> None:
    """VACUUM FULL every table, each within so many seconds."""
    await connection.execute(_UNLIMITED)
    for row in await connection.fetch(_EVERY):
        await connection.execute(f"VACUUM (FULL, ANALYZE) {row[0]}", timeout=seconds)


async def estimate_rows(connection: Any) -> dict[str, int]:
    """The rows of each table, as the statistics say."""
    return {row[0]: row[1] for row in await connection.fetch(_ROWS)}
