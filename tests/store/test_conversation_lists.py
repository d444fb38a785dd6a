"""Which index a list walks on SQLite: it keeps no statistics, so the text must leave no choice."""

from pathlib import Path

import pytest

from koine.store import conversation_lists, schema
from koine.store.sql import Family
from koine.store.sqlite import SqliteDatabase
from koine.store.sqlite import spelling as sqlite_sql
from koine.store.sqlite.connection import connect


@pytest.mark.parametrize("family", [conversation_lists._PAGES, conversation_lists._COUNTS])
@pytest.mark.parametrize(
    ("names", "index"),
    [
        ({"owner_ids=1", "statuses=1"}, "by_owner"),
        ({"owner_ids=1", "priority"}, "by_owner"),
        ({"owner_ids", "inbox_ids=1"}, "by_owner"),
        ({"assignee_id", "statuses=2"}, "by_assignee"),
        ({"assignee_id", "priority", "inbox_ids=1"}, "by_assignee"),
    ],
)
async def test_where_a_person_is_named_the_persons_index_leads(
    names: set[str], index: str, family: Family[object], tmp_path: Path
) -> None:
    database = await SqliteDatabase.open(tmp_path / "koine.db")
    await schema.migrate(database)
    await database.close()
    plan = sqlite_sql.plan(family.of(names))
    steps = connect(tmp_path / "koine.db", cache_mib=1).execute(
        f"EXPLAIN QUERY PLAN {plan.text}", [None] * len(plan.names)
    )
    used = [step[-1] for step in steps if "USING INDEX conversations_" in step[-1]]
    assert used and all(f"conversations_{index} " in step for step in used)
