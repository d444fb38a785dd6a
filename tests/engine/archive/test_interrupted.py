"""An import is everything or nothing: what was begun is not visible, and goes on or is deleted."""

import os
from pathlib import Path
from typing import Any

import pytest

from koine.engine import tenants
from koine.engine.archive import importing
from koine.engine.archive.exporting import ExportOptions, Stage, export_tenant
from koine.engine.archive.format import ArchiveError
from koine.engine.archive.import_plan import ImportOptions
from koine.engine.archive.importing import delete_unfinished, import_tenant
from koine.engine.auth import credentials, sessions
from koine.engine.contacts import callers
from koine.engine.conversations import files
from koine.engine.core.engine import Engine
from koine.engine.core.pace import Pace
from koine.engine.tenant_deletion import delete_due
from koine.kit.ids import new_id
from koine.model.actor import operator
from koine.model.errors import NotFound, Unauthenticated
from koine.store import tenant_deletion
from koine.store.archive import imports
from koine.store.conversations import files as file_rows
from koine.store.conversations.files import StoredFile
from koine.store.core.db import Database
from tests.cast import PASSWORD, Cast
from tests.engine.archive.archived import UPLOAD, all_rows, fill, other_server


class Killed(BaseException):
    """As if the process had been killed."""


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path / "here")}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_BATCH", 3)


async def exported(cast: Cast, path: Path) -> Path:
    """An archive of Acme."""
    await fill(cast)
    await export_tenant(cast.engine, operator(cast.acme.tenant.id), path, ExportOptions())
    return path


async def interrupt(there: Engine, path: Path, after: int, **given: Any) -> None:
    """Import it, and be killed after so many batches of rows."""
    seen = 0

    def kill(stage: Stage, _done: int, _total: int) -> None:
        nonlocal seen
        seen += stage == "rows"
        if seen == after:
            raise Killed

    with pytest.raises(Killed):
        await import_tenant(there, path, ImportOptions(**given), kill)


async def test_what_was_interrupted_goes_on(cast: Cast, empty_db: Database, tmp_path: Path) -> None:
    path = await exported(cast, tmp_path / "a.koine")
    there = await other_server(empty_db, tmp_path / "there")
    for after in (1, 9, 20):
        await interrupt(there, path, after)
        assert await tenants.list_all(there) == []
    made = await import_tenant(there, path, ImportOptions())
    assert made.resumed
    before, written = [await all_rows(db, made.tenant.id) for db in (cast.engine.db, empty_db)]
    more = ("audit", "events", "counters")
    counts = [{n: len(rows[n]) for n in rows if n not in more} for rows in (before, written)]
    assert counts[0] == counts[1]
    assert await empty_db.read("", imports.list_all) == []


async def key_of_the_upload(cast: Cast) -> str:
    """The key of Acme's only upload."""
    (row,) = (await all_rows(cast.engine.db, cast.acme.tenant.id))["files"]
    return str(row["key"])


@pytest.mark.parametrize("left", [b"x" * len(UPLOAD), UPLOAD[:-1], UPLOAD])
async def test_what_a_crash_left_of_an_upload_is_completed(
    cast: Cast, empty_db: Database, tmp_path: Path, left: bytes
) -> None:
    path = await exported(cast, tmp_path / "a.koine")
    there = await other_server(empty_db, tmp_path / "there")
    upload = tmp_path / "there" / files.relative_path(await key_of_the_upload(cast))
    upload.parent.mkdir(parents=True)
    upload.write_bytes(left)
    os.utime(upload, (1, 1))
    await import_tenant(there, path, ImportOptions())
    assert upload.read_bytes() == UPLOAD
    assert upload.stat().st_mtime > 1  # maintenance deletes old files without a row


async def test_an_upload_of_another_tenant_is_not_overwritten(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    path = await exported(cast, tmp_path / "a.koine")
    there = await other_server(empty_db, tmp_path / "there")
    await interrupt(there, path, 1)
    key = await key_of_the_upload(cast)
    other = StoredFile(new_id(), 1, None, "a.bin", files.OCTETS, len(UPLOAD), key, 1)
    await empty_db.write(new_id(), file_rows.insert_one, other)
    upload = tmp_path / "there" / files.relative_path(key)
    upload.write_bytes(b"x" * len(UPLOAD))
    with pytest.raises(ArchiveError, match="an upload of another tenant"):
        await import_tenant(there, path, ImportOptions())
    assert upload.read_bytes() == b"x" * len(UPLOAD)
    await delete_unfinished(there)
    assert "files.key" in (await import_tenant(there, path, ImportOptions())).renewed


async def test_nothing_of_an_unfinished_import_is_visible(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    path = await exported(cast, tmp_path / "a.koine")
    there = await other_server(empty_db, tmp_path / "there")
    rows = await all_rows(cast.engine.db, cast.acme.tenant.id)

    def kill(stage: Stage, done: int, total: int) -> None:
        if stage == "rows" and done >= total - 1:
            raise Killed  # all rows are written but that of the tenant

    with pytest.raises(Killed):
        await import_tenant(there, path, ImportOptions(), kill)
    assert await all_rows(empty_db, cast.acme.tenant.id) != {}
    token = sessions.access_token(there, cast.acme.tenant.id, cast.acme.people["ada"], 60)
    for attempt in (
        credentials.by_key(there, cast.acme.key),
        credentials.by_token(there, token),
        sessions.log_in(there, cast.acme.people["ada"].email or "", PASSWORD),
    ):
        with pytest.raises(Unauthenticated):
            await attempt
    for hidden in (
        callers.resolve(there, cast.acme.inbox.identifier, None),
        callers.resolve_stream_token(there, cast.acme.contact_inboxes["carol"].pubsub_token),
        files.open_by_key(there, rows["files"][0]["key"]),
    ):
        with pytest.raises(NotFound):
            await hidden


async def test_another_archive_of_the_tenant_replaces_what_was_begun(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    first = await exported(cast, tmp_path / "a.koine")
    there = await other_server(empty_db, tmp_path / "there")
    await interrupt(there, first, 20)
    second = tmp_path / "b.koine"
    await export_tenant(cast.engine, operator(cast.acme.tenant.id), second, ExportOptions())
    made = await import_tenant(there, second, ImportOptions())
    assert not made.resumed and made.tenant.id == cast.acme.tenant.id


async def test_what_was_begun_is_deleted_on_demand(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    path = await exported(cast, tmp_path / "a.koine")
    there = await other_server(empty_db, tmp_path / "there")
    await interrupt(there, path, 30)
    assert await delete_unfinished(there) == [cast.acme.tenant.slug]
    assert not any((await all_rows(empty_db, cast.acme.tenant.id)).values())
    assert await delete_unfinished(there) == []


async def test_rows_of_an_import_are_not_taken_for_late_rows_of_a_deleted_tenant(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    path = await exported(cast, tmp_path / "a.koine")
    there = await other_server(empty_db, tmp_path / "there")
    await empty_db.write(
        cast.acme.tenant.id, tenant_deletion.insert_tombstone, cast.acme.tenant, there.clock.now()
    )
    await empty_db.write(cast.acme.tenant.id, tenant_deletion.delete_tenant, there.clock.now())
    await interrupt(there, path, 20)
    before = await all_rows(empty_db, cast.acme.tenant.id)
    await delete_due(there, 5)
    assert await all_rows(empty_db, cast.acme.tenant.id) == before
    await import_tenant(there, path, ImportOptions())


async def test_a_second_process_takes_over(cast: Cast, empty_db: Database, tmp_path: Path) -> None:
    path = await exported(cast, tmp_path / "a.koine")
    there = await other_server(empty_db, tmp_path / "there")
    plan_of = cast.acme.tenant.id

    async def overtake() -> None:
        (state,) = await empty_db.read("", imports.list_all)
        await empty_db.write(plan_of, imports.advance, state.at, "99.0")

    pending: list[Any] = []

    def meanwhile(stage: Stage, _done: int, _total: int) -> None:
        if stage == "rows" and not pending:
            pending.append(overtake())

    original = Pace.rest

    async def rest(self: Any, worked: float | None = None) -> None:
        if pending and pending[0] is not None:
            work, pending[0] = pending[0], None
            await work
        await original(self, worked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pace, "rest", rest)
        with pytest.raises(ArchiveError, match="another process"):
            await import_tenant(there, path, ImportOptions(), meanwhile)
    await delete_unfinished(there)
