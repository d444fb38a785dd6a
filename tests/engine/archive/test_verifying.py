"""An archive is verified without a database; whatever is wrong with it is found and named."""

import gzip
import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from koine.engine.archive import tar
from koine.engine.archive.format import HEAD, MANIFEST, ArchiveError
from koine.engine.archive.verifying import verify
from tests.engine.archive.archived import UPLOAD
from tests.engine.archive.forged import Members, members_of, rows_changed, sealed_again, written


def test_what_was_exported_is_verified(archive: Path) -> None:
    seen: list[int] = []
    found = verify(archive, None, lambda done, _total: seen.append(done))
    assert found.manifest.rows["messages"] == 2
    assert found.manifest.files == 1 and found.manifest.file_bytes == len(UPLOAD)
    assert seen == sorted(seen) and seen[-1] <= archive.stat().st_size
    assert found.max_number > 0 and found.positions[1] >= found.head.position > 0


def test_other_programs_read_it(archive: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "-xf", str(archive), "-C", str(tmp_path)], check=True)
    assert (tmp_path / HEAD).is_file()
    subprocess.run(["sha256sum", "-c", "--quiet", "checksums/000001.txt"], cwd=tmp_path, check=True)
    lines = gzip.decompress((tmp_path / "rows/messages/000001.ndjson.gz").read_bytes()).splitlines()
    assert "hello" in {msgspec.json.decode(line).get("content") for line in lines}


def _flip(members: Members) -> Members:
    name = next(name for name in members if name.startswith("files/"))
    return members | {name: b"X" + members[name][1:]}


def _without(name: str) -> Callable[[Members], Members]:
    return lambda members: {each: data for each, data in members.items() if each != name}


MESSAGES, AUDIT = "rows/messages/000001.ndjson.gz", "rows/audit/000001.ndjson.gz"
HUGE = gzip.compress(bytes(65 << 20), 1)


def _counted(members: Members) -> Members:
    manifest = msgspec.json.decode(members[MANIFEST])
    manifest["rows"]["messages"] += 1
    return members | {MANIFEST: msgspec.json.encode(manifest)}


def _newer(members: Members) -> Members:
    head = msgspec.json.decode(members[HEAD]) | {"schema": "9999"}
    return {HEAD: msgspec.json.encode(head), **_without(HEAD)(members)}


def _format(members: Members) -> Members:
    return {HEAD: b'{"format":2,"koine":"9.9"}', **_without(HEAD)(members)}


DAMAGES: dict[str, tuple[Callable[[Members], Members], str]] = {
    "an upload": (_flip, "its digest differs"),
    "a member": (lambda m: m | {AUDIT: gzip.compress(b"")}, "its digest differs"),
    "a missing member": (_without(AUDIT), f"{AUDIT} is missing"),
    "a missing manifest": (_without(MANIFEST), "cut off"),
    "no head": (_without(HEAD), "no archive of a tenant"),
    "a missing upload": (
        lambda m: {n: d for n, d in m.items() if not n.startswith("files/")}, "digest differs"
    ),
    "another file": (lambda m: {HEAD: m[HEAD], "../../etc/passwd": b"x", **m}, "no part"),
    "something after the end": (lambda m: m | {"checksums/000009.txt": b""}, "after the manifest"),
    "a count": (_counted, "numbers of its rows"),
    "a newer schema": (_newer, "use Koine"),
    "another format": (_format, "format 2 (Koine 9.9)"),
    "a bomb": (lambda m: sealed_again(m | {AUDIT: HUGE}), "too large"),
    "a table that is unknown": (
        lambda m: sealed_again({HEAD: m[HEAD], "rows/server/000001.ndjson.gz": m[AUDIT], **m}),
        "no part",
    ),
    "an id": (rows_changed("messages", lambda row: row.update(id="../x")), "cannot be read"),
    "a word": (rows_changed("conversations", lambda row: row.update(status="x")), "cannot be read"),
    "a missing value": (rows_changed("messages", lambda row: row.pop("seq")), "cannot be read"),
    "a number": (rows_changed("messages", lambda row: row.update(number=2**60)), "out of range"),
    "a position": (rows_changed("events", lambda row: row.update(position=-1)), "out of range"),
    "text for no database": (
        rows_changed("messages", lambda row: row.update(content="a\0b")), "U+0000"
    ),
    "an event": (rows_changed("events", lambda row: row.update(body="[")), "no Koine wrote"),
    "an endpoint": (
        rows_changed("webhook_endpoints", lambda row: row.update(kinds="{}")), "no Koine wrote"
    ),
    "settings": (rows_changed("tenants", lambda row: row.update(settings="[]")), "no Koine wrote"),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_found(
    archive: Path, tmp_path: Path, damage: Callable[[Members], Members], message: str
) -> None:
    path = written(tmp_path / "bad.koine", damage(members_of(archive)))
    with pytest.raises(ArchiveError) as found:
        verify(path, None)
    assert message in str(found.value)


def test_text_that_looks_like_an_escape_is_accepted(archive: Path, tmp_path: Path) -> None:
    change = rows_changed("messages", lambda row: row.update(content="\\u0000"))
    verify(written(tmp_path / "good.koine", change(members_of(archive))), None)


def test_an_archive_of_an_older_koine_lacks_columns(archive: Path, tmp_path: Path) -> None:
    change = rows_changed("identities", lambda row: row.pop("claims", None))
    verify(written(tmp_path / "old.koine", change(members_of(archive))), None)


@pytest.mark.parametrize("size", [0, 100, 512, 5000])
def test_a_file_that_is_cut_off_is_refused(archive: Path, tmp_path: Path, size: int) -> None:
    path = tmp_path / "cut.koine"
    path.write_bytes(archive.read_bytes()[:size])
    with pytest.raises(ArchiveError):
        verify(path, None)


@pytest.mark.parametrize("kind", [b"1", b"2", b"5", b"x", b"L"])
def test_only_regular_members_are_read(kind: bytes) -> None:
    block = bytearray(tar.header("files/" + "a" * 32, 0, 0))
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    with pytest.raises(ArchiveError, match="no part"):
        list(tar.members(io.BytesIO(bytes(block) + tar.end())))
