"""The migration that counts the bytes of existing uploads."""

import importlib
from pathlib import Path

from koine.engine.conversations import files
from koine.store.conversations import counters
from koine.store.conversations.files import TOTAL
from koine.store.core.db import Database
from tests.cast import make_cast
from tests.engine.conversations.test_files import Bytes

MIGRATION = "koine.store.migrations.versions.0006_bytes_of_uploads"


async def test_existing_files_count_in_their_tenants_budget(
    fresh_db: Database, tmp_path: Path
) -> None:
    cast = await make_cast(fresh_db, data_dir=str(tmp_path))
    for of, size in ((cast.acme, 300), (cast.acme, 200), (cast.rival, 7)):
        await files.save(cast.engine, of.tenant.id, None, Bytes(b"x" * size))
    count = importlib.import_module(MIGRATION).COUNT
    delete = f"DELETE FROM counters WHERE name = '{TOTAL}'"
    await fresh_db.alter_schema(lambda _: f"{delete}; {count};")
    totals = [
        await fresh_db.read(of.tenant.id, counters.values, [TOTAL])
        for of in (cast.acme, cast.rival)
    ]
    assert totals == [{TOTAL: 500}, {TOTAL: 7}]
