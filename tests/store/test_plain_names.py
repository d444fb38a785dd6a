"""A migration that renames tables and columns keeps the rows; older backups are verified."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from koine.store import migration_sql, schema
from koine.store.backup import database_stats
from koine.store.core.db import Database
from koine.store.tables import metadata

TENANT, ENDPOINT = "0193454a-0000-7000-8000-000000000001", "0193454a-0000-7000-8000-000000000002"
OLD = ("answers", "hooks", "hook_deliveries", "hook_attempts")
ROWS = f"""
INSERT INTO answers (tenant_id, slot, digest, taken_at) VALUES ('{TENANT}', 'a key', 'a body', 5);
INSERT INTO hooks (tenant_id, id, dialect, name, url, kinds, permissions, hears_private, since,
  status, failures, created_at, updated_at, reads_as)
  VALUES ('{TENANT}', '{ENDPOINT}', 'native', 'n', 'u', '[]', '[]', true, 3, 'active', 0, 1, 1,
  '{TENANT}');
INSERT INTO hook_deliveries (tenant_id, hook_id, position, event_id, kind, state, attempt, due_at,
  fence, answered, event_at, created_at)
  VALUES ('{TENANT}', '{ENDPOINT}', 7, 'evt', 'k', 'pending', 1, 2, 9, 503, 1, 1);
INSERT INTO hook_attempts (tenant_id, hook_id, position, number, at, url, headers, answered,
  answer_headers, answer_body, took_us)
  VALUES ('{TENANT}', '{ENDPOINT}', 7, 1, 4, 'u', '[]', 503, 'h', 'b', 6);
INSERT INTO conversations (tenant_id, id, number, kind, status, source, responder_active,
  custom_attributes, labels, last_seq, public_count, last_public_seq, last_activity_at,
  chat_shown_at, chat_sort_at, participant_count, created_at, updated_at)
  VALUES ('{TENANT}', '{ENDPOINT}', 1, 'chat', 'open', 'api', false, '[]', '[]', 0, 0, 0, 3, 8, 9,
  0, 3, 3);
"""
NOW = {
    "SELECT key_digest, request_digest, claimed_at FROM idempotency_keys": ("a key", "a body", 5),
    "SELECT name, after_position FROM webhook_endpoints WHERE include_private_notes"
    " AND acts_as_user_id IS NOT NULL": ("n", 3),
    "SELECT event_id, lease_version, response_status FROM webhook_deliveries"
    f" WHERE endpoint_id = '{ENDPOINT}'": ("evt", 9, 503),
    "SELECT started_at, response_status, response_headers, response_body, duration_us"
    f" FROM webhook_attempts WHERE endpoint_id = '{ENDPOINT}'": (4, 503, "h", "b", 6),
    "SELECT shown_at_override, sort_at_override FROM conversations": (8, 9),
}


async def test_rows_are_kept_under_the_new_names_and_counted_under_both(
    fresh_db: Database, tmp_path: Path
) -> None:
    async def ask(text: str) -> Sequence[Sequence[Any]]:
        return await _rows(fresh_db, text)

    older = shutil.copytree(schema._MIGRATIONS, tmp_path / "older")
    for file in (older / "versions").glob("[0-9]*.py"):
        if file.name >= "0012":
            file.unlink()
    await fresh_db.alter_schema(
        lambda _: f"{_drops()}; {migration_sql.script(fresh_db.kind, None, older)}; {ROWS}"
    )
    before = await database_stats(ask, [*OLD, "tenants", "conversations"])
    assert before.schema == "0011"
    await schema.migrate(fresh_db)
    after = await database_stats(ask, [*OLD, "tenants", "conversations"])
    assert after.schema == schema.head()
    assert before.tables == after.tables == {
        "conversations": 1, "idempotency_keys": 1, "tenants": 0, "webhook_attempts": 1,
        "webhook_deliveries": 1, "webhook_endpoints": 1,
    }  # fmt: skip
    for text, row in NOW.items():
        assert [tuple(each) for each in await ask(text)] == [row]


async def _rows(db: Any, text: str) -> Sequence[Sequence[Any]]:
    if db.kind == "postgres":
        async with db._pool.connection() as pooled:
            found: Sequence[Sequence[Any]] = await pooled.connection.fetch(text)
            return found
    return [tuple(row) for row in db._reader.execute(text).fetchall()]


def _drops() -> str:
    names = [table.name for table in reversed(metadata.sorted_tables)]
    return ";".join(f"DROP TABLE {name}" for name in [*names, "alembic_version"])
