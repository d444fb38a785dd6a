"""Erased people stay erased: those of an archive, and those whose data an older archive has."""

from pathlib import Path
from typing import Any

import pytest

from koine.engine.archive.exporting import export_tenant
from koine.engine.archive.format import ArchiveError
from koine.engine.archive.import_plan import ImportOptions
from koine.engine.archive.importing import import_tenant
from koine.engine.contacts import merge
from koine.engine.core.engine import Engine
from koine.engine.personal_data import erased_list, erasure
from koine.engine.retention import holds
from koine.model.actor import operator
from koine.model.personal_data import Erasure
from koine.store.core.db import Database
from koine.store.personal_data import erasures
from tests.cast import Cast
from tests.engine.archive.archived import PLAIN, all_rows, fill, other_server

LATER = 20 * 60


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path / "here")}


async def erase_carol(cast: Cast) -> Erasure:
    admin = operator(cast.acme.tenant.id)
    return (await erasure.erase(cast.engine, admin, cast.acme.id("carol"))).erasure


async def filled(cast: Cast) -> None:
    """With Carol's conversation, and no legal hold of it."""
    conversation_id = await fill(cast)
    await holds.release(cast.engine, operator(cast.acme.tenant.id), conversation_id)


async def exported(cast: Cast, path: Path) -> Path:
    await export_tenant(cast.engine, operator(cast.acme.tenant.id), path, PLAIN)
    return path


def named_in(cast: Cast, rows: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The tables with the e-mail of Carol."""
    carol = cast.acme.people["carol"]
    return [name for name, found in rows.items() if str(carol.email) in repr(found)]


async def test_who_was_erased_before_the_export_stays_erased(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    await filled(cast)
    done = await erase_carol(cast)
    there = await other_server(empty_db, tmp_path / "there")
    path = await exported(cast, tmp_path / "a.koine")
    made = await import_tenant(there, path, ImportOptions())
    assert made.erased == 0
    assert named_in(cast, await all_rows(empty_db, made.tenant.id)) == []
    assert await empty_db.read(made.tenant.id, erasures.get, done.id) == done
    # The second pass, which was not due at the export, is done here.
    there.clock.advance(seconds=LATER)  # type: ignore[attr-defined]  # the clock of a test
    assert await erasure.resume(there, made.tenant.id) == 1
    checked = await empty_db.read(made.tenant.id, erasures.get, done.id)
    assert checked is not None and checked.checked_at is not None


@pytest.mark.parametrize("known_by", ["the list", "the database"])
async def test_an_older_archive_brings_nobody_back(
    cast: Cast, empty_db: Database, tmp_path: Path, known_by: str
) -> None:
    await filled(cast)
    path = await exported(cast, tmp_path / "a.koine")
    done = await erase_carol(cast)
    there, given = await _importing_server(cast, empty_db, tmp_path, known_by)
    made = await import_tenant(there, path, ImportOptions(**given))
    assert made.erased == 1
    assert named_in(cast, await all_rows(there.db, made.tenant.id)) == []
    found = (await all_rows(there.db, made.tenant.id))["erasures"]
    assert [row["erased_at"] is not None for row in found] == [True]
    assert (found[0]["id"] == done.id) == (known_by == "the list")


async def test_an_older_archive_brings_nobody_back_who_was_merged_since(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    await filled(cast)
    path = await exported(cast, tmp_path / "a.koine")
    admin, dave = operator(cast.acme.tenant.id), cast.acme.people["dave"]
    await merge.merge(cast.engine, admin, dave.id, cast.acme.id("carol"))
    await erasure.erase(cast.engine, admin, dave.id)
    there, _ = await _importing_server(cast, empty_db, tmp_path, "the list")
    made = await import_tenant(there, path, ImportOptions())
    assert made.erased == 2
    assert named_in(cast, await all_rows(empty_db, made.tenant.id)) == []


async def _importing_server(
    cast: Cast, empty_db: Database, tmp_path: Path, known_by: str
) -> tuple[Engine, dict[str, Any]]:
    if known_by == "the database":
        erased_list.path_of(cast.engine).unlink()
        return cast.engine, {"name": "Copy", "slug": f"copy-{cast.acme.tenant.id}"}
    there = await other_server(empty_db, tmp_path / "there")
    (tmp_path / "there").mkdir()
    erased_list.path_of(there).write_bytes(erased_list.path_of(cast.engine).read_bytes())
    return there, {}


async def test_a_legal_hold_of_the_archive_keeps_its_people(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    conversation_id = await fill(cast)
    path = await exported(cast, tmp_path / "a.koine")
    await holds.release(cast.engine, operator(cast.acme.tenant.id), conversation_id)
    await erase_carol(cast)
    there, _ = await _importing_server(cast, empty_db, tmp_path, "the list")
    made = await import_tenant(there, path, ImportOptions())
    assert (made.erased, made.held) == (0, 1)
    assert "identities" in named_in(cast, await all_rows(empty_db, made.tenant.id))


async def test_a_list_that_cannot_be_read_stops_the_import(
    cast: Cast, empty_db: Database, tmp_path: Path
) -> None:
    there = await other_server(empty_db, tmp_path / "there")
    (tmp_path / "there").mkdir()
    erased_list.path_of(there).write_text("x")
    path = await exported(cast, tmp_path / "a.koine")
    with pytest.raises(ArchiveError, match="who was erased"):
        await import_tenant(there, path, ImportOptions())
