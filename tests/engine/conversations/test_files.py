"""Uploads: every row has its file on the disk, and a failed upload leaves neither."""

import stat
from pathlib import Path

import pytest

from koine.engine.conversations import files
from koine.kit import metrics
from koine.model.errors import NotFound, Unavailable
from koine.store.conversations import files as rows
from tests.cast import Cast


class Bytes:
    """An upload from memory, which may fail before its end."""

    def __init__(self, body: bytes, name: str = "a.txt", media: str = "text/plain") -> None:
        self.name, self.content_type, self._rest = name, media, body
        self.breaks = False

    async def read(self, size: int = -1) -> bytes:
        if self.breaks and not self._rest:
            raise ConnectionError
        chunk, self._rest = self._rest[:size], self._rest[size:]
        return chunk


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path)}


def failures(reason: str) -> float:
    labels = {"reason": reason}
    return metrics.REGISTRY.get_sample_value("koine_upload_failures_total", labels) or 0.0


def on_disk(cast: Cast) -> list[Path]:
    return [p for p in Path(cast.engine.settings.data_dir).rglob("*") if p.is_file()]


async def read(cast: Cast, key: str) -> bytes:
    opened = await files.open_by_key(cast.engine, key)
    return b"".join([chunk async for chunk in opened.part(0, opened.file.size)])


async def test_what_was_saved_is_read_back(cast: Cast) -> None:
    body = bytes(range(256)) * 3000
    saved = await files.save(cast.engine, cast.acme.tenant.id, None, Bytes(body))
    assert (saved.size, saved.file_type, saved.extension) == (len(body), "file", "txt")
    assert await read(cast, saved.key) == body


async def test_a_failing_disk_is_unavailable(cast: Cast) -> None:
    (Path(cast.engine.settings.data_dir) / "files").symlink_to("/nowhere/at/all")
    before = failures("disk")
    with pytest.raises(Unavailable):
        await files.save(cast.engine, cast.acme.tenant.id, None, Bytes(b"x"))
    assert failures("disk") == before + 1


async def test_numbers_count_within_the_tenant(cast: Cast) -> None:
    created = [
        await files.save(cast.engine, of.tenant.id, None, Bytes(b"x"))
        for of in (cast.acme, cast.acme, cast.rival)
    ]
    assert [each.number for each in created] == [1, 2, 1]


async def test_an_upload_that_breaks_off_leaves_nothing(cast: Cast) -> None:
    source = Bytes(b"half")
    source.breaks = True
    with pytest.raises(ConnectionError):
        await files.save(cast.engine, cast.acme.tenant.id, None, source)
    assert on_disk(cast) == []


async def test_a_row_that_is_refused_leaves_no_bytes(cast: Cast) -> None:
    no_id = "\ud800"
    with pytest.raises(Exception, match="surrogates not allowed"):
        await files.save(cast.engine, cast.acme.tenant.id, no_id, Bytes(b"x"))
    assert on_disk(cast) == []


async def test_deleted_files_are_not_on_the_disk(cast: Cast) -> None:
    saved = await files.save(cast.engine, cast.acme.tenant.id, None, Bytes(b"x"))
    assert await read(cast, saved.key) == b"x"
    await files.delete_unsent(cast.engine, cast.acme.tenant.id, [saved])
    assert on_disk(cast) == []
    with pytest.raises(NotFound):
        await files.open_by_key(cast.engine, saved.key)


async def test_a_file_that_the_disk_does_not_delete_keeps_no_other(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = [
        await files.save(cast.engine, cast.acme.tenant.id, None, Bytes(b"x")) for _ in "ab"
    ]
    stuck = Path(cast.engine.settings.data_dir) / files.relative_path(first.key)
    stuck.unlink()
    stuck.mkdir()
    await files.delete_unsent(cast.engine, cast.acme.tenant.id, [first, second])
    assert on_disk(cast) == []
    assert "stay on the disk" in caplog.text
    with pytest.raises(NotFound):
        await files.open_by_key(cast.engine, first.key)


async def test_another_tenant_cannot_discard(cast: Cast) -> None:
    saved = await files.save(cast.engine, cast.acme.tenant.id, None, Bytes(b"x"))
    await files.delete_unsent(cast.engine, cast.rival.tenant.id, [saved])
    assert await read(cast, saved.key) == b"x"


async def test_a_row_without_its_file_is_not_found(cast: Cast) -> None:
    saved = await files.save(cast.engine, cast.acme.tenant.id, None, Bytes(b"x"))
    row = await cast.engine.db.read("", rows.get_by_key, saved.key)
    assert row is not None
    await files.delete_bytes(cast.engine, [row])
    with pytest.raises(NotFound):
        await files.open_by_key(cast.engine, saved.key)


@pytest.mark.parametrize(
    ("name", "kept", "extension"),
    [
        ("../../etc/passwd", "passwd", None),
        ("C:\\x\\a.PNG", "a.PNG", "png"),
        ("", "file", None),
        ("..", "file", None),
        ("a\nb.txt", "ab.txt", "txt"),
        ("می\u200cخواهم.pdf", "می\u200cخواهم.pdf", "pdf"),
        ("👩\u200d🔧.png", "👩\u200d🔧.png", "png"),
        ("10.00\u202fAM.png", "10.00\u202fAM.png", "png"),
        ("a\u202egpj.exe", "agpj.exe", "exe"),
        ("x" * 300 + ".md", "x" * 252 + ".md", "md"),
    ],
)
async def test_file_names_are_sanitized(
    cast: Cast, name: str, kept: str, extension: str | None
) -> None:
    saved = await files.save(cast.engine, cast.acme.tenant.id, None, Bytes(b"x", name))
    assert (saved.name, saved.extension) == (kept, extension)


async def test_other_users_of_the_machine_cannot_read_an_upload(cast: Cast) -> None:
    saved = await files.save(cast.engine, cast.acme.tenant.id, None, Bytes(b"x"))
    path = Path(cast.engine.settings.data_dir) / files.relative_path(saved.key)
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, *path.parents[:3])]
    assert modes == [0o600, 0o700, 0o700, 0o700]
