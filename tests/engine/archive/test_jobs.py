"""Exports on request: one at a time, watched, downloaded by a link, and soon deleted."""

import asyncio
import os
from pathlib import Path

import pytest
from msgspec import structs

from koine.engine import tenant_suspension
from koine.engine.archive import jobs
from koine.engine.archive.jobs import DownloadLink
from koine.engine.archive.verifying import verify
from koine.kit.ids import new_id
from koine.kit.times import MINUTE, SECOND
from koine.model.actor import operator
from koine.model.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from koine.model.tenant_export import TenantExport
from koine.store.archive import exports
from tests.cast import Cast
from tests.engine.archive.archived import PASSPHRASE, all_rows


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path)}


async def finished(cast: Cast, passphrase: str | None = None) -> TenantExport:
    ada = cast.acme.actor("ada")
    begun = await jobs.start(cast.engine, ada, passphrase)
    await cast.engine.background.wait()
    return await jobs.get(cast.engine, ada, begun.id)


async def download(cast: Cast, export_id: str, link: DownloadLink) -> bytes:
    archive = await jobs.open_download(cast.engine, export_id, link, "192.0.2.1")
    return b"".join([part async for part in archive.part(0, archive.size)])


def link_of(cast: Cast, export: TenantExport) -> DownloadLink:
    link = jobs.download_link(cast.engine, export)
    assert link is not None
    return link


async def test_an_export_is_downloaded_and_verified(cast: Cast, tmp_path: Path) -> None:
    done = await finished(cast, PASSPHRASE)
    assert (done.state, done.encrypted, done.error) == ("done", True, None)
    assert done.rows_done == done.rows_total > 0
    path = tmp_path / "downloaded"
    path.write_bytes(await download(cast, done.id, link_of(cast, done)))
    assert path.stat().st_size == done.size
    assert verify(path, PASSPHRASE).head.tenant.id == cast.acme.tenant.id


async def test_each_step_is_in_the_audit_log(cast: Cast) -> None:
    done = await finished(cast)
    await download(cast, done.id, link_of(cast, done))
    rows = (await all_rows(cast.engine.db, cast.acme.tenant.id))["audit"]
    found = {row["action"]: row["actor_id"] for row in rows}
    ada = cast.acme.id("ada")
    assert found["start_export"] == found["export"] == ada and found["download"] is None


async def test_a_link_expires_and_cannot_be_forged(cast: Cast) -> None:
    done = await finished(cast)
    other = await finished(cast)
    link = link_of(cast, done)
    forged = [
        (other.id, link),
        (done.id, DownloadLink(link.expires + SECOND, link.token)),
        (done.id, DownloadLink(link.expires, link.token[:-1] + "-")),
        (new_id(), link),
        ("no-id", link),
    ]
    for export_id, each in forged:
        with pytest.raises(NotFound):
            await download(cast, export_id, each)
    assert await download(cast, done.id, link)
    cast.clock.advance(seconds=jobs.LINK_FOR // SECOND + 1)
    with pytest.raises(NotFound):
        await download(cast, done.id, link)


async def test_a_tenant_has_one_export_at_a_time(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    await jobs.start(cast.engine, ada, None)
    with pytest.raises(Conflict):
        await jobs.start(cast.engine, ada, None)
    await cast.engine.background.wait()
    assert (await finished(cast)).state == "done"


async def test_few_exports_run_on_a_server(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_RUNNING", 1)
    await jobs.start(cast.engine, cast.acme.actor("ada"), None)
    with pytest.raises(TooMany):
        await jobs.start(cast.engine, cast.rival.actor("ada"), None)
    await cast.engine.background.wait()


async def test_an_export_that_died_makes_way(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    begun = await jobs.start(cast.engine, ada, None)
    await cast.engine.background.wait()
    now = cast.clock.now()
    dead = structs.replace(begun, id=new_id(), lease_until=now + MINUTE)
    await cast.engine.db.write(cast.acme.tenant.id, exports.insert_one, dead)
    with pytest.raises(Conflict):
        await jobs.start(cast.engine, ada, None)
    cast.clock.advance(seconds=61)
    assert (await jobs.get(cast.engine, ada, dead.id)).state == "failed"
    assert (await jobs.list_all(cast.engine, ada))[0].error is not None
    assert (await finished(cast)).state == "done"
    assert (await jobs.get(cast.engine, ada, dead.id)).state == "failed"


async def test_a_stopped_server_says_that_the_export_failed(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    begun = await jobs.start(cast.engine, ada, None)
    await asyncio.sleep(0)  # it begins
    await cast.engine.background.close()
    found = await jobs.get(cast.engine, ada, begun.id)
    assert found.state == "failed" and "stopped" in (found.error or "")
    assert [*Path(cast.engine.settings.data_dir).glob("exports/*")] == []


async def test_a_full_disk_is_reported(cast: Cast, tmp_path: Path) -> None:
    (tmp_path / "exports").write_text("in the way")
    found = await finished(cast)
    assert found.state == "failed" and "disk" in (found.error or "")
    assert jobs.download_link(cast.engine, found) is None


async def test_few_archives_are_kept_and_none_for_long(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    for _ in range(jobs.MAX_KEPT + 2):
        cast.clock.advance(seconds=1)
        await finished(cast)
    assert len(await jobs.list_all(cast.engine, ada)) == jobs.MAX_KEPT
    folder = Path(cast.engine.settings.data_dir) / "exports"
    assert len([*folder.iterdir()]) == jobs.MAX_KEPT
    cast.clock.advance(seconds=jobs.KEEP_FOR // SECOND + 1)
    await jobs.delete_ended(cast.engine)
    assert await jobs.list_all(cast.engine, ada) == [] == [*folder.iterdir()]


async def test_files_without_a_row_are_deleted_when_they_are_old(
    cast: Cast, tmp_path: Path
) -> None:
    left = tmp_path / "exports" / f"{new_id()}.koine"
    left.parent.mkdir()
    left.write_bytes(b"x")
    os.utime(left, (cast.clock.now() / SECOND,) * 2)
    await jobs.delete_ended(cast.engine)
    assert left.exists()
    cast.clock.advance(seconds=3 * jobs.KEEP_FOR // SECOND)
    await jobs.delete_ended(cast.engine)
    assert not left.exists()


async def test_the_archive_of_a_tenant_without_rows_is_soon_deleted(cast: Cast) -> None:
    done = await finished(cast)
    path = jobs.archive_path(cast.engine, done.id)
    os.utime(path, (cast.clock.now() / SECOND,) * 2)
    cast.clock.advance(seconds=2 * 3600)
    await jobs.delete_ended(cast.engine)
    assert path.exists()
    await cast.engine.db.write(cast.acme.tenant.id, exports.delete_one, done.id)
    await jobs.delete_ended(cast.engine)
    assert not path.exists()


async def test_a_suspended_tenant_downloads_nothing(cast: Cast) -> None:
    done = await finished(cast)
    link = link_of(cast, done)
    await tenant_suspension.suspend(cast.engine, operator(cast.acme.tenant.id))
    with pytest.raises(NotFound):
        await download(cast, done.id, link)
    await tenant_suspension.resume(cast.engine, operator(cast.acme.tenant.id))
    assert await download(cast, done.id, link)


async def test_who_may_not_read_everything_is_refused(cast: Cast) -> None:
    done = await finished(cast)
    for who in ("alice", "dora", "dan", "carol"):
        actor = cast.acme.actor(who)
        for attempt in (
            jobs.start(cast.engine, actor, None),
            jobs.get(cast.engine, actor, done.id),
            jobs.list_all(cast.engine, actor),
        ):
            with pytest.raises(Forbidden):
                await attempt
    with pytest.raises(NotFound):
        await jobs.get(cast.engine, cast.rival.actor("ada"), done.id)
    with pytest.raises(Invalid):
        await jobs.start(cast.engine, cast.acme.actor("ada"), "short")
