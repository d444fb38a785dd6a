"""What an operator should know of a PostgreSQL server: connections, rights, the search path."""

import asyncpg
import msgspec
from msgspec import Struct

_FACTS = """
SELECT current_setting('server_version_num')::int / 10000 AS major,
  current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0) AS connections_allowed,
  (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL AND pid <> pg_backend_pid()
    AND (application_name NOT LIKE 'koine%' OR datname <> current_database()))
    AS connections_of_others,
  (SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
    AND application_name LIKE 'koine%' AND datname = current_database()) AS connections_of_koine,
  quote_ident(current_user) AS role,
  (SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user)
    AS may_create_databases,
  current_setting('search_path') AS search_path,
  current_schema() AS schema,
  coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create_tables
"""
_ELSEWHERE = """
SELECT schemaname FROM pg_tables
WHERE tablename = 'alembic_version' AND schemaname <> ALL (current_schemas(false))
  AND schemaname NOT LIKE 'koine_before_%'
ORDER BY schemaname
"""
_HERE = """
SELECT schemaname FROM pg_tables
WHERE tablename = 'alembic_version' AND schemaname = ANY (current_schemas(false))
ORDER BY array_position(current_schemas(false), schemaname)
"""


class OperatorFacts(Struct, frozen=True):
    """`connections_allowed` without those that are reserved for superusers; `connections_of_others`
    and `connections_of_koine` are open now. `schema` is where new tables are created (None:
    nowhere), `table_schemas` the schemas of the search path with Koine's tables, and
    `other_schemas` those beside it. `role` is quoted as in SQL."""

    major: int
    connections_allowed: int
    connections_of_others: int
    connections_of_koine: int
    role: str
    may_create_databases: bool
    search_path: str
    schema: str | None
    may_create_tables: bool
    table_schemas: list[str]
    other_schemas: list[str]


async def operator_facts(url: str) -> OperatorFacts:
    """Query the server. Raises asyncpg's errors and OSError."""
    connection = await asyncpg.connect(url, timeout=5)
    try:
        row = await connection.fetchrow(_FACTS)
        here = [found[0] for found in await connection.fetch(_HERE)]
        elsewhere = [found[0] for found in await connection.fetch(_ELSEWHERE)]
        return msgspec.convert(
            {**row, "table_schemas": here, "other_schemas": elsewhere}, OperatorFacts
        )
    finally:
        await connection.close()
