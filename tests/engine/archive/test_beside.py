"""A copy beside the original: nothing that is unique on the server is there twice."""

from pathlib import Path
from typing import Any

import pytest

from koine.engine import tenants
from koine.engine.archive.format import ArchiveError
from koine.engine.auth import credentials, sessions
from koine.engine.conversations import files
from koine.model.errors import Unauthenticated
from koine.store.archive.columns import TABLES
from tests.cast import PASSWORD, Cast
from tests.engine.archive.archived import UPLOAD, all_rows, fill, move


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path / "here")}


def copied(cast: Cast) -> dict[str, Any]:
    return {"name": "Copy", "slug": f"copy-{cast.acme.tenant.id}"}


async def test_the_same_tenant_is_not_imported_twice(cast: Cast, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="--as NAME"):
        await move(cast, cast.engine, tmp_path / "a.koine")


async def test_a_short_name_is_taken_once(cast: Cast, tmp_path: Path) -> None:
    slug = cast.rival.tenant.slug
    with pytest.raises(ArchiveError, match=f"there is a tenant {slug} already"):
        await move(cast, cast.engine, tmp_path / "a.koine", name="Rival", slug=slug)


async def test_a_copy_has_new_ids_and_tokens_and_the_same_content(
    cast: Cast, tmp_path: Path
) -> None:
    await fill(cast)
    before = await all_rows(cast.engine.db, cast.acme.tenant.id)
    made = await move(cast, cast.engine, tmp_path / "a.koine", **copied(cast))
    copy = await all_rows(cast.engine.db, made.tenant.id)
    assert made.new_ids and made.tenant.number > cast.acme.tenant.number
    assert copy["sessions"] == copy["idempotency_keys"] == copy["logins"] == []
    assert len(copy["messages"]) == len(before["messages"])
    for table in TABLES:
        for kind in ("id", "token"):
            for name in table.of_kind(kind):
                old, new = ({row[name] for row in rows[table.name]} for rows in (before, copy))
                assert not (old & new) - {None}, (table.name, name)
    ids = {row["id"] for row in copy["identities"]}
    assert {row["sender_id"] for row in copy["messages"]} <= {*ids, None}
    assert {row["identity_id"] for row in copy["participants"]} <= ids
    text = repr(copy["events"]) + repr(copy["counters"]) + repr(copy["messages"])
    assert not any(person.id in text for person in cast.acme.people.values())


async def test_the_original_goes_on_as_it_was(cast: Cast, tmp_path: Path) -> None:
    await fill(cast)
    acme = cast.acme
    before = await all_rows(cast.engine.db, acme.tenant.id)
    await move(cast, cast.engine, tmp_path / "a.koine", **copied(cast))
    after = await all_rows(cast.engine.db, acme.tenant.id)
    assert {name for name in before if before[name] != after[name]} == {"audit"}
    email = acme.people["ada"].email or ""
    assert (await sessions.log_in(cast.engine, email, PASSWORD)).tenant_id == acme.tenant.id
    assert (await credentials.by_key(cast.engine, acme.key)).tenant_id == acme.tenant.id


async def test_keys_of_a_copy_are_revoked(cast: Cast, tmp_path: Path) -> None:
    made = await move(cast, cast.engine, tmp_path / "a.koine", **copied(cast))
    keys = (await all_rows(cast.engine.db, made.tenant.id))["api_keys"]
    assert keys and all(key["revoked_at"] for key in keys)
    assert "api_keys.prefix" in made.renewed


async def test_a_copy_has_uploads_of_its_own(cast: Cast, tmp_path: Path) -> None:
    await fill(cast)
    made = await move(cast, cast.engine, tmp_path / "a.koine", **copied(cast))
    copy = await all_rows(cast.engine.db, made.tenant.id)
    (row,) = copy["files"]
    opened = await files.open_by_key(cast.engine, row["key"])
    assert b"".join([part async for part in opened.part(0, opened.file.size)]) == UPLOAD
    (sent,) = [each for each in copy["messages"] if each["attachments"]]
    assert row["key"] in sent["attachments"] and row["id"] in sent["attachments"]
    assert sent["content_url"] == f"/files/{row['key']}/a.bin"


async def test_a_copy_sends_nothing_that_the_original_sends(cast: Cast, tmp_path: Path) -> None:
    await fill(cast)
    with pytest.raises(ArchiveError, match="without --resume-webhooks"):
        await move(cast, cast.engine, tmp_path / "a.koine", resume_webhooks=True, **copied(cast))
    made = await move(cast, cast.engine, tmp_path / "b.koine", **copied(cast))
    copy = await all_rows(cast.engine.db, made.tenant.id)
    assert {row["status"] for row in copy["webhook_endpoints"]} == {"disabled"}
    assert {row["state"] for row in copy["webhook_deliveries"]} == {"delivered", "cancelled"}


async def test_an_archive_with_new_ids_is_imported_again_and_again(
    cast: Cast, tmp_path: Path
) -> None:
    await fill(cast)
    slugs = set()
    for number in range(2):
        given: dict[str, Any] = {"name": "Copy", "slug": f"copy-{number}-{cast.acme.tenant.id}"}
        made = await move(cast, cast.engine, tmp_path / f"{number}.koine", **given)
        slugs.add(made.tenant.slug)
    assert slugs <= {each.slug for each in await tenants.list_all(cast.engine)}


async def test_a_session_of_the_original_opens_no_copy(cast: Cast, tmp_path: Path) -> None:
    made = await move(cast, cast.engine, tmp_path / "a.koine", **copied(cast))
    token = sessions.access_token(cast.engine, made.tenant.id, cast.acme.people["ada"], 60)
    with pytest.raises(Unauthenticated):
        await credentials.by_token(cast.engine, token)
