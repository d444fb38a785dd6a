"""What is exported on one server is there on another, in every table and every column."""

import stat
from pathlib import Path
from typing import Any

import pytest

from koine.engine import sealed_secrets, tenants
from koine.engine.archive.exporting import ExportOptions, export_tenant
from koine.engine.archive.format import ArchiveError
from koine.engine.archive.verifying import verify
from koine.engine.auth import credentials, sessions
from koine.engine.contacts import hmac_tokens, inboxes
from koine.engine.conversations import files, messages
from koine.engine.core.engine import Engine
from koine.model.actor import operator
from koine.model.errors import Forbidden
from koine.model.message import Draft
from koine.store.archive.columns import TABLES, ArchivedTable
from koine.store.core.db import Database
from tests.cast import PASSWORD, Cast
from tests.engine.archive.archived import (
    PASSPHRASE,
    SEALED,
    UPLOAD,
    all_rows,
    fill,
    move,
    other_server,
)
from tests.support import databases


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path / "here")}


async def token_of(engine: Engine, tenant_id: str) -> str | None:
    """The HMAC token of the tenant's inbox."""
    (inbox,) = await inboxes.list_all(engine, operator(tenant_id))
    return hmac_tokens.newest_token(engine.encryption, inbox)


def differences(
    table: ArchivedTable, before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> list[str]:
    """The columns that an import has changed."""
    assert len(before) == len(after), table.name
    return sorted(
        {
            name
            for old, new in zip(before, after, strict=True)
            for name, kind in table.kinds.items()
            if kind not in ("sealed", "secret", "position", "here") and old[name] != new[name]
        }
    )


async def test_every_row_of_every_table_arrives(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    await fill(cast)
    there = await other_server(empty_db, tmp_path / "there")
    made = await move(cast, there, tmp_path / "acme.koine")
    before = await all_rows(cast.engine.db, cast.acme.tenant.id)
    after = await all_rows(empty_db, made.tenant.id)
    # Entries about the export, which came after its moment, and about the import; the events of it.
    for rows, action in ((before["audit"], "export"), (after["audit"], "import")):
        rows[:] = [row for row in rows if row["action"] != action]
    after["events"].pop()
    after["counters"] = [row for row in after["counters"] if row["name"] != "events:since"]
    changed = {
        table.name: found
        for table in TABLES
        if before[table.name]
        and (found := differences(table, before[table.name], after[table.name]))
    }
    assert [name for name, rows in before.items() if not rows] == ["idempotency_keys", "erasures"]
    assert changed == {"webhook_endpoints": ["reason", "status"]}
    assert (made.tenant.id, made.tenant.slug) == (cast.acme.tenant.id, cast.acme.tenant.slug)
    assert made.tenant.default_responder_id == cast.acme.tenant.default_responder_id


async def test_the_tenant_works_on_the_other_server(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    conversation_id = await fill(cast)
    there = await other_server(empty_db, tmp_path / "there")
    await move(cast, there, tmp_path / "acme.koine")
    assert (await credentials.by_key(there, cast.acme.key)).tenant_id == cast.acme.tenant.id
    email = cast.acme.people["ada"].email or ""
    assert (await sessions.log_in(there, email, PASSWORD)).user.id == cast.acme.id("ada")
    sent = await messages.send(
        there, operator(cast.acme.tenant.id), conversation_id,
        Draft(content="on", sender_id=cast.acme.id("ada")),
    )  # fmt: skip
    assert sent.seq == 3
    rows = (await all_rows(empty_db, cast.acme.tenant.id))["messages"]
    assert sent.number > max(row["number"] for row in rows if row["id"] != sent.id)
    (stored,) = (await all_rows(empty_db, cast.acme.tenant.id))["files"]
    opened = await files.open_by_key(there, stored["key"])
    assert b"".join([part async for part in opened.part(0, opened.file.size)]) == UPLOAD


async def test_positions_move_together(cast: Cast, empty_db: Database, tmp_path: Path) -> None:
    await fill(cast)
    there = await other_server(empty_db, tmp_path / "there")
    await move(cast, there, tmp_path / "acme.koine")
    before = await all_rows(cast.engine.db, cast.acme.tenant.id)
    after = await all_rows(empty_db, cast.acme.tenant.id)
    moved = {
        new["position"] - old["position"]
        for name in ("events", "webhook_deliveries", "webhook_attempts")
        for old, new in zip(before[name], after[name], strict=False)
    }
    assert len(moved) == 1


async def test_secrets_are_sealed_with_the_key_of_the_other_server(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    await fill(cast)
    there = await other_server(empty_db, tmp_path / "there")
    made = await move(cast, there, tmp_path / "acme.koine", SEALED)
    (old,) = (await all_rows(cast.engine.db, made.tenant.id))["webhook_endpoints"]
    (new,) = (await all_rows(empty_db, made.tenant.id))["webhook_endpoints"]
    for name in ("secret", "headers"):
        assert there.encryption.decrypt(new[name]) == cast.engine.encryption.decrypt(old[name])
        assert new[name] != old[name]
    assert made.left_out == []


async def test_every_secret_is_sealed_with_the_newest_key(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    await fill(cast)
    keys = "the newest key of the other server,an older key of the other server"
    there = await other_server(empty_db, tmp_path / "there", secret_key=keys)
    await move(cast, there, tmp_path / "a.koine")
    await move(cast, there, tmp_path / "b.koine", ExportOptions(), name="Copy", slug="copy")
    found = await sealed_secrets.survey(empty_db, there.server_keys, there.clock.now())
    newest = there.server_keys.sealing.ids[0]
    # Of each copy the inbox's token and the webhook's secret; of the first one its headers, too.
    assert found.by_key == {newest: 5}
    assert (found.clear, found.unopened_values) == (0, 0)


async def test_an_archive_of_either_database_is_imported_into_sqlite(
    cast: Cast, tmp_path: Path
) -> None:
    await fill(cast)
    async with databases.sqlite(tmp_path) as db:
        there = await other_server(db, tmp_path / "there")
        made = await move(cast, there, tmp_path / "acme.koine")
        before = await all_rows(cast.engine.db, made.tenant.id)
        after = await all_rows(db, made.tenant.id)
        for name in ("identities", "conversations", "participants", "messages", "files"):
            assert before[name] == after[name], name


async def test_without_a_passphrase_secrets_are_left_out_and_listed(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    await fill(cast)
    there, path = await other_server(empty_db, tmp_path / "there"), tmp_path / "acme.koine"
    made = await move(cast, there, path, ExportOptions())
    found = {(each.table, each.column) for each in made.left_out}
    assert found == {
        ("inboxes", "sealed_hmac_token"),
        ("webhook_endpoints", "secret"),
        ("webhook_endpoints", "headers"),
    }
    (endpoint,) = (await all_rows(empty_db, made.tenant.id))["webhook_endpoints"]
    assert endpoint["status"] == "disabled" and "secret was not" in endpoint["reason"]
    assert there.encryption.decrypt(endpoint["secret"])
    assert await token_of(there, made.tenant.id) not in (
        None,
        await token_of(cast.engine, made.tenant.id),
    )


async def test_secrets_in_plain_text_are_there_on_demand(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    await fill(cast)
    there = await other_server(empty_db, tmp_path / "there")
    made = await move(cast, there, tmp_path / "a.koine", ExportOptions(with_secrets=True))
    assert (
        await token_of(there, made.tenant.id) == await token_of(cast.engine, made.tenant.id)
        and made.left_out == []
    )


async def test_an_archive_is_new_private_and_complete(cast: Cast, tmp_path: Path) -> None:
    await fill(cast)
    admin, path = operator(cast.acme.tenant.id), tmp_path / "acme.koine"
    manifest = await export_tenant(cast.engine, admin, path, SEALED)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert verify(path, PASSPHRASE).manifest == manifest
    content = path.read_bytes()
    assert b"carol@web.test" not in content
    with pytest.raises(FileExistsError):
        await export_tenant(cast.engine, admin, path, SEALED)
    assert path.read_bytes() == content and [*tmp_path.glob("*.koine*")] == [path]


async def test_a_failed_export_leaves_no_file(cast: Cast, tmp_path: Path) -> None:
    admin, path = operator(cast.acme.tenant.id), tmp_path / "acme.koine"
    with pytest.raises(ArchiveError, match="12 characters"):
        await export_tenant(cast.engine, admin, path, ExportOptions(passphrase="short"))

    def fail(*_: object) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await export_tenant(cast.engine, admin, path, ExportOptions(), fail)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("who", ["alice", "dora", "dan"])
async def test_only_who_may_everything_exports(cast: Cast, tmp_path: Path, who: str) -> None:
    with pytest.raises(Forbidden):
        await export_tenant(cast.engine, cast.acme.actor(who), tmp_path / "x", SEALED)


async def test_other_tenants_are_not_in_an_archive(cast: Cast, tmp_path: Path) -> None:
    path = tmp_path / "acme.koine"
    await export_tenant(cast.engine, operator(cast.acme.tenant.id), path, ExportOptions())
    counts = verify(path, None).manifest.rows
    rows = await all_rows(cast.engine.db, cast.acme.tenant.id)
    assert counts["identities"] == len(rows["identities"])
    assert [each.slug for each in await tenants.list_all(cast.engine)]
