"""Which way SQLite walks: it keeps no statistics, so the text must leave it no choice."""

from pathlib import Path

import pytest

from koine.store import messages, posting, schema, sqlite_sql
from koine.store.sql import Query
from koine.store.sqlite import SqliteDatabase
from koine.store.sqlite_connection import connect


@pytest.mark.parametrize("query", [messages._LATEST, posting._FACTS, posting._PARENTS])
async def test_given_rows_lead_and_no_tenant_is_walked(
    query: Query[object], tmp_path: Path
) -> None:
    path = tmp_path / "koine.db"
    database = await SqliteDatabase.open(path)
    await schema.create(database)
    await database.close()
    plan = sqlite_sql.plan(query)
    explained = connect(path, cache_mib=1).execute(
        f"EXPLAIN QUERY PLAN {plan.text}", [None] * len(plan.names)
    )
    steps = [row[-1] for row in explained]
    assert "json_each" in steps[0]
    assert not [step for step in steps if "(tenant_id=?)" in step]
