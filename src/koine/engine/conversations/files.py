"""Uploads: the bytes on disk under an unguessable key, a row in the database.

    <data_dir>/files/ab/cd/abcd…      the start of the key spreads the files over folders

A file is written under a temporary name, synced, renamed, its folder is synced, and only then the
row is written: a row never lacks its bytes. A crash in between leaves bytes without a row, which
maintenance deletes. Nodes share one `data_dir`, as each must find what another has stored.

Uploads have budgets in bytes: of a contact and of an inbox in a day (UTC), of a tenant in all. What
is used is in the counters: the bytes of a day and which day it was. A tenant's bytes are those of
its files now, so deleting some frees them.
"""

import asyncio
import logging
import os
import re
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, ParamSpec, Protocol, TypeVar

from msgspec import Struct

from koine.engine.conversations.image_sniffing import HEAD, Image, sniff_image
from koine.engine.conversations.media_sniffing import sniff_media
from koine.engine.core.engine import Engine
from koine.kit import metrics, private_files
from koine.kit.ids import new_id
from koine.kit.limit_settings import LimitSettings
from koine.kit.times import DAY, HOUR, SECOND
from koine.kit.tokens import random_token
from koine.model.errors import NotFound, TooMany, Unavailable
from koine.model.message import Attachment
from koine.store import number_sequences
from koine.store.conversations import counters, files
from koine.store.conversations.files import StoredFile
from koine.store.core.db import Tx

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger(__name__)

CHUNK = 256 * 1024
NAME_LENGTH = 255
OCTETS = "application/octet-stream"
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
"""The types that are only stored when the first bytes of the file show that it is one."""

KEY = re.compile(r"[A-Za-z0-9_-]{32}")
_MEDIA = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}")
_JOINERS = "\u200c\u200d"
_EXTENSION = re.compile(r"[A-Za-z0-9]{1,16}")


class Upload(Protocol):
    """An upload that is being received."""

    name: str
    content_type: str

    async def read(self, size: int = -1) -> bytes:
        """Give the next `size` bytes, none at the end."""


class Uploader(Struct, frozen=True):
    """Who uploads, and through which inbox."""

    contact_id: str
    inbox_id: str


class OpenFile(Struct, frozen=True):
    """A stored file, ready to be sent: its row, and where its bytes are."""

    file: StoredFile
    path: Path

    def part(self, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `end`, in pieces."""
        return read_part(self.path, start, end)

    @property
    def is_image(self) -> bool:
        """Whether a browser may show it: an image by its own first bytes."""
        return self.file.content_type in IMAGES


async def save(
    engine: Engine,
    tenant_id: str,
    conversation_id: str | None,
    source: Upload,
    by: Uploader | None = None,
) -> Attachment:
    """Store an upload; when this returns, bytes and row are on disk. Raises Unavailable when the
    disk is full or broken, TooMany when it exceeds a budget of `by` or the tenant."""
    key = random_token()
    path = _path(engine, key)
    name = _name(source.name)
    try:
        size, head = await _write(path, source)
        image = sniff_image(head)
        media = _media(source.content_type, image, head)
        row = await _add_row(engine, tenant_id, by, conversation_id, (name, media, size, key))
    except (Unavailable, asyncio.CancelledError):
        # Whether the row was committed is unknown. Bytes without row are deleted by maintenance.
        raise
    except BaseException as error:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        metrics.UPLOAD_FAILURES.labels("budget" if isinstance(error, TooMany) else "error").inc()
        raise
    metrics.UPLOADS.inc()
    metrics.UPLOAD_BYTES.inc(size)
    return Attachment(
        id=row.id,
        number=row.number,
        file_type=_kind(media),
        name=name,
        extension=_extension(name),
        content_type=media,
        size=size,
        key=key,
        width=image.width if image else None,
        height=image.height if image else None,
    )


async def check_budget(engine: Engine, tenant_id: str, by: Uploader, size: int) -> None:
    """Raise TooMany when so many bytes would exceed a budget, before any of them is stored."""
    now, limits = engine.clock.now(), engine.settings
    try:
        await engine.db.read(tenant_id, check_budget_tx, now, limits, by, size)
    except TooMany:
        metrics.UPLOAD_FAILURES.labels("budget").inc()
        raise


async def open_by_key(engine: Engine, key: str) -> OpenFile:
    """A stored file of any tenant: to know its key is the permission. Raises NotFound."""
    row = await engine.db.read("", files.get_by_key, key) if KEY.fullmatch(key) else None
    if row is None or not await asyncio.to_thread(_path(engine, key).is_file):
        raise NotFound("file")
    return OpenFile(row, _path(engine, key))


def is_media_type(text: str) -> bool:
    """Whether a file may be stored with this type."""
    return _MEDIA.fullmatch(text) is not None


def relative_path(key: str) -> Path:
    """The path of a file's bytes in the data folder."""
    return Path("files") / key[:2] / key[2:4] / key


async def delete_bytes(engine: Engine, rows: list[StoredFile]) -> None:
    """Delete the bytes of files whose rows are deleted. What the disk refuses to delete is logged:
    the rows are gone, so that nobody can read it, and the operation has succeeded."""
    for row in rows:
        try:
            await asyncio.to_thread(_path(engine, row.key).unlink, missing_ok=True)
        except OSError as error:
            log.error("the bytes of a deleted file stay on the disk: %s", error)


async def delete_unsent(engine: Engine, tenant_id: str, saved: list[Attachment]) -> None:
    """Delete the files that were stored for a message that was then refused."""
    rows = await engine.db.write(tenant_id, files.delete_many, [each.id for each in saved])
    await delete_bytes(engine, rows)


async def _add_row(
    engine: Engine,
    tenant_id: str,
    by: Uploader | None,
    conversation_id: str | None,
    known: tuple[str, str, int, str],
) -> StoredFile:
    try:
        return await engine.db.write(tenant_id, _add, engine, by, conversation_id, known)
    except Unavailable:
        metrics.UPLOAD_FAILURES.labels("database").inc()
        raise


async def _add(
    tx: Tx,
    engine: Engine,
    by: Uploader | None,
    conversation_id: str | None,
    known: tuple[str, str, int, str],
) -> StoredFile:
    name, media, size, key = known
    now = engine.clock.now()
    number = await number_sequences.next_number(tx, "file")
    await charge_budget_tx(tx, now, engine.settings, by, size)
    row = StoredFile(new_id(), number, conversation_id, name, media, size, key, now)
    await files.insert_one(tx, row)
    return row


async def _write(path: Path, source: Upload) -> tuple[int, bytes]:
    """Write the upload to disk. Returns its size and its first bytes."""
    part = path.with_name(f"{path.name}.part")
    out = await _on_disk(_create, part, path.parents[2])
    size, head = 0, b""
    try:
        while chunk := await source.read(CHUNK):
            await _on_disk(out.write, chunk)
            size += len(chunk)
            head = (head + chunk)[:HEAD] if len(head) < HEAD else head
        await _on_disk(_finish, out, part, path)
    except BaseException:
        with suppress(OSError):  # closing writes what is left, too
            out.close()
        part.unlink(missing_ok=True)
        raise
    return size, head


async def _on_disk(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run it on a thread. A full or broken disk is Unavailable and no error of ours."""
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as error:
        log.warning("an upload could not be stored: %s", error)
        metrics.UPLOAD_FAILURES.labels("disk").inc()
        raise Unavailable() from error


def _create(part: Path, root: Path) -> IO[bytes]:
    private_files.make_folders(part.parent, root)
    return private_files.create(part)


def _finish(out: IO[bytes], part: Path, path: Path) -> None:
    with out:
        out.flush()
        os.fsync(out.fileno())
    part.rename(path)
    # The entries of new folders are in their parents, so these are synced too, up to the data
    # folder.
    for folder in path.parents[:4]:
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


async def read_part(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes of a file from `start` to before `end`, in pieces."""
    # Opened when the first chunk is read: a response without a body (HEAD) opens nothing.
    opened = await asyncio.to_thread(path.open, "rb")
    try:
        if start:
            await asyncio.to_thread(opened.seek, start)
        left = end - start
        while left and (chunk := await asyncio.to_thread(opened.read, min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
    finally:
        opened.close()


def _path(engine: Engine, key: str) -> Path:
    return Path(engine.settings.data_dir) / relative_path(key)


def _name(name: str) -> str:
    last = re.split(r"[/\\]", name)[-1]
    clean = "".join(char for char in last if _is_allowed(char)).strip(". ")
    return clean[-NAME_LENGTH:] or "file"


def _is_allowed(char: str) -> bool:
    # All spaces, and the joiners of Persian and emoji; no control characters, and none that change
    # the direction of text: these can make "exe.png" of "gnp.exe".
    return char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs"


def _media(claimed: str, image: Image | None, head: bytes) -> str:
    if image is not None:
        return image.media
    media = claimed.split(";", 1)[0].strip().lower()
    if not _MEDIA.fullmatch(media) or media in IMAGES or media == OCTETS:
        return sniff_media(head) or OCTETS
    return media


def _kind(media: str) -> str:
    kind = media.split("/", 1)[0]
    return kind if media in IMAGES or kind in ("audio", "video") else "file"


def _extension(name: str) -> str | None:
    last = name.rpartition(".")[2] if "." in name else ""
    return last.lower() if _EXTENSION.fullmatch(last) else None


async def check_budget_tx(
    tx: Tx, now: int, limits: LimitSettings, by: Uploader | None, size: int
) -> None:
    """Raise TooMany when `size` more bytes would exceed a budget `now` (µs)."""
    await _budget_changes(tx, now, limits, by, size)


async def charge_budget_tx(
    tx: Tx, now: int, limits: LimitSettings, by: Uploader | None, size: int
) -> None:
    """Count `size` bytes. Raises TooMany. The caller holds the lock of the tenant's file counter,
    so that concurrent uploads cannot both take the rest of a budget."""
    await counters.add(tx, await _budget_changes(tx, now, limits, by, size))


async def _budget_changes(
    tx: Tx, now: int, limits: LimitSettings, by: Uploader | None, size: int
) -> dict[str, int]:
    budgets = {}
    if by is not None:
        budgets[f"uploads:contact:{by.contact_id}"] = limits.upload_budget_per_contact
        budgets[f"uploads:inbox:{by.inbox_id}"] = limits.upload_budget_per_inbox
    before = await counters.values(
        tx, [files.TOTAL, *budgets, *[f"{name}:day" for name in budgets]]
    )
    changes = {files.TOTAL: size}
    if 0 < limits.upload_budget_per_tenant < before.get(files.TOTAL, 0) + size:
        raise TooMany(HOUR // SECOND, "bytes of uploads of this tenant", limit="uploads")
    today = now // DAY
    for name, budget in budgets.items():
        day, spent = before.get(f"{name}:day", 0), before.get(name, 0)
        today_spent = spent if day == today else 0
        if 0 < budget < today_spent + size:
            seconds = ((today + 1) * DAY - now) // SECOND + 1
            raise TooMany(seconds, "bytes of uploads in a day", limit="uploads")
        changes[name] = today_spent + size - spent
        changes[f"{name}:day"] = today - day
    return changes
