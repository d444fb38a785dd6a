"""An archive whose author is hostile, with digests and counts that fit: it harms nobody else here.

What is wrong with it is found before anything is written; what is not wrong stays in its tenant.
"""

import gzip
import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from koine.engine import tenants
from koine.engine.archive import format as archive_format
from koine.engine.archive import reader, tar
from koine.engine.archive.format import HEAD, MANIFEST, ArchiveError
from koine.engine.archive.import_plan import ImportOptions
from koine.engine.archive.importing import import_tenant
from koine.engine.archive.verifying import verify
from koine.engine.conversations import files, messages
from koine.model.actor import operator
from koine.model.message import Draft
from koine.store.core.db import Database
from koine.store.events import events
from tests.cast import Cast
from tests.engine.archive.archived import Bytes, all_rows, other_server
from tests.engine.archive.forged import Members, members_of, rows_changed, sealed_again, written


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path / "here")}


DEEP = "[" * 100_000
KEY = "A" * 32
OTHER = "01980000-0000-7000-8000-000000000000"


def changed(table: str, **values: object) -> Callable[[Members], Members]:
    """Each row of a table with these values."""
    return rows_changed(table, lambda row: row.update(values))


def counted(members: Members, /, **counts: object) -> Members:
    """With these values in the manifest."""
    manifest = msgspec.json.decode(members[MANIFEST])
    return members | {MANIFEST: msgspec.json.encode(manifest | counts)}


def with_file(key: str, data: bytes) -> Callable[[Members], Members]:
    """With one more upload, listed and counted."""

    def apply(members: Members) -> Members:
        line = f"{hashlib.sha256(data).hexdigest()}  files/{key}\n".encode()
        manifest = msgspec.json.decode(members[MANIFEST])
        count, size = manifest["files"] + 1, manifest["file_bytes"] + len(data)
        *names, last = members
        made = {name: members[name] for name in names}
        made |= {f"files/{key}": data, "checksums/000002.txt": line, last: members[last]}
        return counted(sealed_again(made), files=count, file_bytes=size)

    return apply


def event(kind: str, body: str) -> Callable[[Members], Members]:
    return changed("events", kind=kind, body=body)


def member(name: str, lines: bytes) -> Callable[[Members], Members]:
    """With other bytes in a member."""
    return lambda members: sealed_again(members | {name: lines})


BAD: dict[str, tuple[Callable[[Members], Members], str]] = {
    "the key of an upload is a path": (changed("files", key="../../../../etc/passwd"), "key"),
    "an attachment is a path": (
        changed("messages", attachments='[{"id":"x","number":1,"file_type":"f","name":"n",'
                '"extension":null,"content_type":"a/b","size":1,"key":"../x"}]'), "attachments",
    ),
    "a type with a line break": (changed("files", content_type="a/b\r\nX: y"), "content_type"),
    "an upload without a row": (with_file(KEY, b"x"), "has no row"),
    "rows without uploads": (lambda m: counted(m, deleted=5), "its files"),
    "an expensive password": (
        changed("logins", password_hash="$argon2id$v=19$m=4194304,t=3,p=4$c2FsdHNhbHQ$aGFzaA"),
        "password_hash",
    ),
    "no password": (changed("logins", password_hash="x"), "password_hash"),
    "JSON that is deep": (changed("messages", content_attributes=DEEP), "content_attributes"),
    "JSON that is none": (changed("audit", detail="{"), "detail"),
    "JSON of another type": (changed("identities", labels="{}"), "labels"),
    "a row that is deep": (
        member("rows/audit/000001.ndjson.gz", gzip.compress(b'{"x":' + DEEP.encode())), "be read"
    ),
    "a head that is deep": (lambda m: m | {HEAD: b'{"x":' + DEEP.encode()}, "cannot be read"),
    "a manifest that is no text": (lambda m: m | {MANIFEST: b'{"x":"\xa8"}'}, "cannot be read"),
    "a merge with nobody": (event("identity.merged", '{"merged_id":"x"}'), "body"),
    "a version that is none": (event("responder.versioned", '{"version":"x"}'), "body"),
    "members that are none": (event("delivery.saved", '{"members":["x"]}'), "body"),
    "an assignee that is none": (
        event("conversation.updated", '{"previous":{"assignee_id":"x"}}'), "body"
    ),
    "a number that is a text": (changed("messages", seq="1"), "be read"),
    "a text that is a list": (changed("messages", content=["x"]), "be read"),
    "a time that no clock shows": (changed("messages", created_at=2**62), "created_at"),
    "a number that is too large": (changed("conversations", last_seq=2**60), "last_seq"),
    "a period without end": (changed("retention_rules", messages=2**50), "messages"),
    "entries that are not kept": (changed("retention_rules", audit=0), "audit"),
    "a hold of nothing": (changed("legal_holds", kind="x"), "be read"),
    "a wait without end": (changed("webhook_deliveries", attempt=2**50), "attempt"),
    "too many retries": (changed("webhook_endpoints", max_retries=2**50), "max_retries"),
    "an address that is none": (changed("webhook_endpoints", url="file:///etc/passwd"), "url"),
    "a header with a line break": (
        changed("webhook_endpoints", headers="eyJYIjoiYVxyXG5ZOiBiIn0="), "headers"
    ),
    "a secret that is no text": (changed("webhook_endpoints", secret="/w=="), "a value"),
    "a token that is no text": (changed("inboxes", sealed_hmac_token="/w=="), "a value"),
    "an event about another tenant": (
        changed("events", kind="tenant.updated", subject_id=OTHER), "subject_id"
    ),
    "a token issuer without a key": (
        changed("tenants", settings='{"token_issuer":{"algorithm":"RS256","issuer":"x"}}'),
        "token_issuer",
    ),
    "a token issuer with a key that is none": (
        changed("tenants", settings='{"token_issuer":{"algorithm":"RS256","key":"x"}}'),
        "token_issuer",
    ),
    "no tenant's id": (
        changed("tenants", id="00000000-0000-0000-0000-000000000000"), "id"
    ),
    "a short name that is a path": (changed("tenants", slug="../x"), "slug"),
    "half a character": (
        member("rows/audit/000001.ndjson.gz", gzip.compress(b'{"id":"\\ud800"}\n')), "be read"
    ),
    "a text with escapes for terminals": (
        lambda m: counted(m, left_out=[{"table": "\x1b[2J", "column": "", "id": "", "reason": ""}]),
        "cannot be read",
    ),
    "a digest that is none": (
        lambda m: counted(m, members={"x": {"size": -1, "sha256": "x"}}), "cannot be read"
    ),
    "a manifest that is too large": (
        lambda m: m | {MANIFEST: m[MANIFEST] + b" " * archive_format.MAX_MANIFEST}, "too large"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("forge", "reason"), BAD.values(), ids=BAD)
def test_what_no_koine_writes_is_refused(
    archive: Path, tmp_path: Path, forge: Callable[[Members], Members], reason: str
) -> None:
    path = written(tmp_path / "bad.koine", forge(members_of(archive)))
    with pytest.raises(ArchiveError) as found:
        verify(path, None)
    assert reason in str(found.value)
    assert str(found.value).isprintable()


def test_an_upload_that_is_there_twice_is_refused(archive: Path, tmp_path: Path) -> None:
    members = members_of(archive)
    name = next(name for name in members if name.startswith("files/"))
    forged = with_file("B" * 32, b"x")(members)
    path = tmp_path / "bad.koine"
    with path.open("wb") as out:
        for each, data in forged.items():
            shown = name if each.startswith("files/") else each
            out.write(tar.header(shown, len(data), 0) + data + tar.padding(len(data)))
        out.write(tar.end())
    with pytest.raises(ArchiveError, match="there twice"):
        verify(path, None)


@pytest.mark.parametrize("after", [b"x", tar.header("files/" + KEY, 0, 0), bytes(20_000)])
def test_nothing_comes_after_the_end(archive: Path, tmp_path: Path, after: bytes) -> None:
    path = tmp_path / "bad.koine"
    path.write_bytes(archive.read_bytes() + after)
    with pytest.raises(ArchiveError, match="after its end"):
        verify(path, None)


def test_zeros_of_other_programs_are_ignored(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "good.koine"
    path.write_bytes(archive.read_bytes() + bytes(9_000))
    verify(path, None)


@pytest.mark.parametrize("name", ["\x1b[2J", "a b", "rows/\n", "C:\\x"])
def test_names_for_terminals_are_quoted(archive: Path, tmp_path: Path, name: str) -> None:
    members = members_of(archive)
    for at, forged in enumerate(({HEAD: members[HEAD], name: b""}, members | {name: b""})):
        with pytest.raises(ArchiveError, match="no part of a tenant") as found:
            verify(written(tmp_path / f"{at}.koine", forged), None)
        assert str(found.value).isprintable()


@pytest.mark.parametrize("size", [b"\x80" + b"\xff" * 11, b"\xff" * 12, b"77777777777 ", b"x" * 12])
def test_a_size_that_no_file_has_is_refused(archive: Path, tmp_path: Path, size: bytes) -> None:
    header = bytearray(tar.header(HEAD, 0, 0))
    header[124:136], header[148:156] = size, b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    path = tmp_path / "bad.koine"
    path.write_bytes(bytes(header) + archive.read_bytes())
    with pytest.raises(ArchiveError):
        verify(path, None)


def test_members_and_rows_are_bounded(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(ArchiveError, match="too many rows"):
        patch.setattr(reader, "MAX_ROWS", 1)
        verify(archive, None)
    monkeypatch.setattr("koine.engine.archive.verifying.MAX_MEMBERS", 3)
    with pytest.raises(ArchiveError, match="more than 3 members"):
        verify(archive, None)


async def test_columns_that_no_table_has_are_not_written(
    archive: Path, empty_db: Database, tmp_path: Path, cast: Cast
) -> None:
    foreign: dict[str, Any] = {
        "tenant_id": cast.acme.tenant.id,
        "title_folded": "forged",
        "title) VALUES ('x'); DROP TABLE messages; --": "x",
    }
    there = await other_server(empty_db, tmp_path / "there")
    path = written(tmp_path / "a.koine", changed("conversations", **foreign)(members_of(archive)))
    made = await import_tenant(there, path, ImportOptions())
    rows = (await all_rows(empty_db, made.tenant.id))["conversations"]
    assert rows and {row["title_folded"] for row in rows} != {"forged"}
    assert {row["tenant_id"] for row in rows} == {made.tenant.id}


UNWRITABLE: dict[str, tuple[str, dict[str, object]]] = {
    "a person that is nobody": (
        "participants", {"identity_id": OTHER}
    ),
    "a row that is there twice": ("logins", {"email": "the@same.test"}),
}  # fmt: skip


@pytest.mark.parametrize(("table", "values"), UNWRITABLE.values(), ids=UNWRITABLE)
async def test_rows_that_no_database_takes_leave_nothing(
    archive: Path, empty_db: Database, tmp_path: Path, table: str, values: dict[str, object]
) -> None:
    there = await other_server(empty_db, tmp_path / "there")
    members = members_of(archive)
    forge = changed(table, **values)
    if table == "logins":
        name = "rows/logins/000001.ndjson.gz"
        members[name] = gzip.compress(gzip.decompress(members[name]) * 2)
        manifest = msgspec.json.decode(members[MANIFEST])
        manifest["rows"]["logins"] *= 2
        members[MANIFEST] = msgspec.json.encode(manifest)
    path = written(tmp_path / "a.koine", forge(members))
    tenant_id = verify(path, None).head.tenant.id
    with pytest.raises(ArchiveError, match=f"a row of {table}"):
        await import_tenant(there, path, ImportOptions())
    assert await tenants.list_all(there) == []
    assert not any((await all_rows(empty_db, tenant_id)).values())


async def test_numbers_of_the_server_are_not_used_up(
    archive: Path, fresh_db: Database, tmp_path: Path
) -> None:
    there = await other_server(fresh_db, tmp_path / "there")
    members = members_of(archive)
    far = changed("webhook_attempts", position=2**53 - 1)(members)
    with pytest.raises(ArchiveError, match="too far apart"):
        await import_tenant(there, written(tmp_path / "far.koine", far), ImportOptions())
    high = changed("tenants", number=2**53 - 1)(changed("messages", number=2**53 - 1)(members))
    high[HEAD] = high[HEAD].replace(b'"number": ', b'"number": 9007199254740991, "old": ')
    manifest = msgspec.json.decode(high[MANIFEST])
    manifest["head"]["tenant"]["number"] = 2**53 - 1
    high = sealed_again(high | {MANIFEST: msgspec.json.encode(manifest)})
    made = await import_tenant(there, written(tmp_path / "high.koine", high), ImportOptions())
    assert made.tenant.number < 1000
    last = (await fresh_db.read("", events.log_snapshot)).last
    assert last < 2**40
    (conversation,) = (await all_rows(fresh_db, made.tenant.id))["conversations"]
    draft = Draft(content="on", sender_id=conversation["created_by"])
    sent = await messages.send(there, operator(made.tenant.id), conversation["id"], draft)
    assert 2**52 < sent.number < 2**52 + 1000


async def test_high_positions_are_moved_down(
    archive: Path, empty_db: Database, tmp_path: Path
) -> None:
    there = await other_server(empty_db, tmp_path / "there")

    def higher(row: dict[str, Any]) -> None:
        row["position"] += 2**52

    members = members_of(archive)
    for table in ("events", "webhook_deliveries", "webhook_attempts"):
        members = rows_changed(table, higher)(members)
    made = await import_tenant(there, written(tmp_path / "a.koine", members), ImportOptions())
    rows = await all_rows(empty_db, made.tenant.id)
    assert 0 < max(row["position"] for row in rows["events"]) < 2**40
    assert {row["position"] for row in rows["webhook_attempts"]} <= {
        row["position"] for row in rows["events"]
    }


async def test_webhooks_of_a_format_that_is_unknown_are_refused(
    archive: Path, empty_db: Database, tmp_path: Path
) -> None:
    there = await other_server(empty_db, tmp_path / "there")
    forged = changed("webhook_endpoints", dialect="x\x1b")(members_of(archive))
    with pytest.raises(ArchiveError, match="no webhooks of the format") as found:
        await import_tenant(there, written(tmp_path / "a.koine", forged), ImportOptions())
    assert str(found.value).isprintable()
    assert await tenants.list_all(there) == []


async def test_a_text_that_no_index_takes_is_no_crash(
    archive: Path, empty_db: Database, tmp_path: Path
) -> None:
    email = secrets.token_hex(50_000)  # PostgreSQL compresses what repeats itself
    there = await other_server(empty_db, tmp_path / "there")
    path = written(tmp_path / "a.koine", changed("logins", email=email)(members_of(archive)))
    if empty_db.kind == "sqlite":
        await import_tenant(there, path, ImportOptions())
        return
    with pytest.raises(ArchiveError, match="a row of logins"):
        await import_tenant(there, path, ImportOptions())


async def test_uploads_of_others_stay_as_they_are(
    archive: Path, cast: Cast, tmp_path: Path
) -> None:
    mine = await files.save(cast.engine, cast.rival.tenant.id, None, Bytes(b"mine"))
    members = members_of(archive)
    old = next(name for name in members if name.startswith("files/")).removeprefix("files/")
    text = {name: data.replace(old.encode(), mine.key.encode()) for name, data in members.items()}
    forged = {name.replace(old, mine.key): data for name, data in text.items()}
    path = written(
        tmp_path / "a.koine", rows_changed("files", lambda row: row.update(key=mine.key))(forged)
    )
    made = await import_tenant(cast.engine, path, ImportOptions(name="X", slug="x"))
    opened = await files.open_by_key(cast.engine, mine.key)
    assert b"".join([part async for part in opened.part(0, 9)]) == b"mine"
    assert "files.key" in made.renewed
