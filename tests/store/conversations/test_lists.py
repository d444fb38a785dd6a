"""Which index a list uses on SQLite, which has no statistics: the statement allows only one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from koine.store import schema
from koine.store.conversations import lists
from koine.store.conversations.filters import ConversationVariant
from koine.store.conversations.lists import _PageVariant
from koine.store.core.statements import Query
from koine.store.sqlite import SqliteDatabase
from koine.store.sqlite import renderer as sqlite_sql
from koine.store.sqlite.connection import connect


def page_query(conditions: ConversationVariant) -> Query[Any]:
    return lists._PAGES.of(_PageVariant(conditions))


@pytest.mark.parametrize("query_of", [page_query, lists._COUNTS.of])
@pytest.mark.parametrize(
    ("given", "index"),
    [
        ({"owner_ids": "one", "statuses": 1}, "by_owner"),
        ({"owner_ids": "one", "priority": True}, "by_owner"),
        ({"owner_ids": "some", "inbox_ids": "one"}, "by_owner"),
        ({"assignee_id": True, "statuses": 2}, "by_assignee"),
        ({"assignee_id": True, "priority": True, "inbox_ids": "one"}, "by_assignee"),
    ],
)
async def test_a_filter_by_person_uses_the_index_of_persons(
    given: dict[str, Any],
    index: str,
    query_of: Callable[[ConversationVariant], Query[Any]],
    tmp_path: Path,
) -> None:
    database = await SqliteDatabase.open(tmp_path / "koine.db")
    await schema.migrate(database)
    await database.close()
    plan = sqlite_sql.render(query_of(ConversationVariant(**given)))
    steps = connect(tmp_path / "koine.db", cache_mib=1).execute(
        f"EXPLAIN QUERY PLAN {plan.text}", [None] * len(plan.names)
    )
    used = [step[-1] for step in steps if "USING INDEX conversations_" in step[-1]]
    assert used and all(f"conversations_{index} " in step for step in used)
