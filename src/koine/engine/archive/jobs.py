"""Exports that the server makes on request: one at a time for each tenant, in the background of the
process that got the request. The archives are in `<data_dir>/exports`, for a day; who may export
gets a link to download one, which is signed and soon expires."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import structlog
from msgspec import Struct, structs

from koine.engine.archive.exporting import ExportOptions, export_tenant, require_everything
from koine.engine.archive.format import ArchiveError
from koine.engine.archive.sealing import MIN_PASSPHRASE
from koine.engine.conversations.files import read_part
from koine.engine.core.engine import Engine
from koine.engine.core.recorder import record_anonymous_audit, record_audit
from koine.kit import private_files
from koine.kit.ids import canonical_id, distinct_ids, new_id
from koine.kit.times import DAY, HOUR, MINUTE, SECOND
from koine.model.actor import Actor
from koine.model.errors import Conflict, Invalid, NotFound, TooMany, Unavailable
from koine.model.tenant_export import TenantExport, TenantExportKey
from koine.store.archive import exports
from koine.store.core.db import Duplicate, Tx

KEEP_FOR = DAY
"""How long an archive is kept, µs."""
MAX_KEPT = 3
"""Archives of a tenant that are kept."""
MAX_RUNNING = 2
"""Exports of all tenants that run at the same time."""
LINK_FOR = 10 * MINUTE
"""How long a link to download an archive is valid, µs."""
_LEASE = 60 * SECOND
"""µs after which an export that was not reported on has died."""
_ORPHAN_AFTER = HOUR
"""µs after which a file must have a row: an export that was begun has one."""
_REPORT_SECONDS = 2.0
_END_PAUSES = (1.0, 5.0, 20.0, 0.0)
"""Seconds after each try to write that an export ended, while the database is not available."""
_DIED = "the server that made it was stopped"
_log = structlog.get_logger("koine")


class DownloadLink(Struct, frozen=True):
    """What a link has to name: until when it is valid (µs), and the signature."""

    expires: int
    token: str


class DownloadableArchive(Struct, frozen=True):
    """An archive on the disk; `created_at` in µs."""

    export_id: str
    path: Path
    size: int
    created_at: int

    def part(self, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `end`, in pieces."""
        return read_part(self.path, start, end)


async def start(engine: Engine, actor: Actor, passphrase: str | None) -> TenantExport:
    """Begin an export; its archive is encrypted under the passphrase, and without one it has no
    secrets. Raises Forbidden, Invalid for a short passphrase, Conflict("running") while the tenant
    has one that runs, TooMany while other tenants' exports run."""
    require_everything(actor)
    if passphrase is not None and len(passphrase) < MIN_PASSPHRASE:
        raise Invalid("passphrase", "too_short", f"must have {MIN_PASSPHRASE} characters or more")
    now = engine.clock.now()
    export = TenantExport(
        new_id(), "running", passphrase is not None, 0, 0, 0, 0, None, None,
        actor.key_id or actor.identity_id, now, now + _LEASE, None, None,
    )  # fmt: skip
    try:
        old = await engine.db.write(actor.tenant_id, _start, now, actor, export)
    except Duplicate:
        raise Conflict("running", "an export of this tenant is running") from None
    await _delete(engine, [TenantExportKey(actor.tenant_id, each.id) for each in old])
    engine.background.start(_Job(engine, actor, export, passphrase).run())
    return export


async def get(engine: Engine, actor: Actor, export_id: str) -> TenantExport:
    """The export with this id. Raises Forbidden, NotFound."""
    require_everything(actor)
    found = await engine.db.read(actor.tenant_id, exports.get, export_id)
    if found is None:
        raise NotFound("export")
    return _as_of_now(engine, found)


async def list_all(engine: Engine, actor: Actor) -> list[TenantExport]:
    """The tenant's exports, newest first. Raises Forbidden."""
    require_everything(actor)
    found = await engine.db.read(actor.tenant_id, exports.list_all)
    return [_as_of_now(engine, each) for each in found]


def _as_of_now(engine: Engine, export: TenantExport) -> TenantExport:
    """An export whose process has died has failed, although its row does not say so."""
    if export.state == "running" and export.lease_until <= engine.clock.now():
        return structs.replace(export, state="failed", error=_DIED, finished_at=export.lease_until)
    return export


def download_link(engine: Engine, export: TenantExport) -> DownloadLink | None:
    """A new link to download the archive; None while there is none. The caller got the export."""
    if export.state != "done" or export.expires_at is None:
        return None
    expires = min(engine.clock.now() + LINK_FOR, export.expires_at) // SECOND * SECOND
    return DownloadLink(expires, engine.stateless_secrets.issue(_about(export.id, expires)))


async def open_download(
    engine: Engine, export_id: str, link: DownloadLink, address: str
) -> DownloadableArchive:
    """The archive that a link names. Raises NotFound for a link that is wrong or has expired.
    `address` goes into the audit log."""
    now, wanted = engine.clock.now(), canonical_id(export_id)
    about = _about(wanted or "", link.expires)
    if link.expires <= now or not engine.stateless_secrets.verify(about, link.token):
        raise NotFound("export")
    key = await engine.db.read("", exports.get_by_id, wanted or "")
    found = await engine.db.read(key.tenant_id, exports.get, key.id) if key else None
    if key is None or found is None or found.state != "done":
        raise NotFound("export")
    path = archive_path(engine, key.id)
    if not await asyncio.to_thread(path.is_file):
        raise NotFound("export")
    await engine.db.write(key.tenant_id, _record_download, now, key.id, address)
    return DownloadableArchive(key.id, path, found.size or 0, found.created_at)


async def delete_ended(engine: Engine) -> int:
    """Delete the exports that expired, with their archives, and archives without a row; returns how
    many."""
    now = engine.clock.now()
    old = await engine.db.read("", exports.ended, now, now - 2 * KEEP_FOR)
    await _delete(engine, old)
    return len(old) + await _delete_orphans(engine)


def archive_path(engine: Engine, export_id: str) -> Path:
    """Where the archive of an export is."""
    return Path(engine.settings.data_dir) / "exports" / f"{export_id}.koine"


async def _start(tx: Tx, now: int, actor: Actor, export: TenantExport) -> list[TenantExport]:
    """Add the row of an export; returns older ones that must go."""
    await exports.fail_dead(tx, now, _DIED)
    if await exports.count_running(tx, now) >= MAX_RUNNING:
        raise TooMany(_LEASE // SECOND, "exports at the same time")
    known = await exports.list_all(tx)
    await exports.insert_one(tx, export)
    await record_audit(tx, now, actor, "start_export", "export", export.id)
    return [each for each in known if each.state != "running"][MAX_KEPT - 1 :]


async def _record_download(tx: Tx, now: int, export_id: str, address: str) -> None:
    await record_anonymous_audit(tx, now, "download", "export", export_id, address=address)


async def _delete(engine: Engine, old: list[TenantExportKey]) -> None:
    for key in old:
        path = archive_path(engine, key.id)
        await asyncio.to_thread(path.unlink, missing_ok=True)
        await engine.db.write(key.tenant_id, exports.delete_one, key.id)


async def _delete_orphans(engine: Engine) -> int:
    """Delete files without a row, as those of a tenant that was deleted, and unfinished ones that
    are older than any archive may be."""
    now = engine.clock.now()
    old = await asyncio.to_thread(_files_before, engine, now - _ORPHAN_AFTER)
    ids = distinct_ids(map(_id_of, old))
    known = set(await engine.db.read("", exports.known, ids))
    orphans = [path for path in old if _id_of(path) not in known]
    orphans += await asyncio.to_thread(_files_before, engine, now - 2 * KEEP_FOR)
    for path in orphans:
        await asyncio.to_thread(path.unlink, missing_ok=True)
    return len({*orphans})


def _files_before(engine: Engine, time: int) -> list[Path]:
    """The files of archives, finished or not, that were last changed before a time (µs)."""
    folder = archive_path(engine, "x").parent
    found = []
    for path in folder.glob("*") if folder.is_dir() else ():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time / SECOND:
                found.append(path)
    return found


def _id_of(path: Path) -> str | None:
    """The id of the export that a file is of: its name begins with it, that of an unfinished one
    with a point before."""
    return canonical_id(path.name.removeprefix(".").partition(".")[0])


def _about(export_id: str, expires: int) -> str:
    """What the signature of a link is about."""
    return f"export.{export_id}.{expires}"


class _Job:
    """One export while it runs."""

    def __init__(
        self, engine: Engine, actor: Actor, export: TenantExport, passphrase: str | None
    ) -> None:
        self._engine = engine
        self._actor = actor
        self._export = export
        self._passphrase = passphrase

    async def run(self) -> None:
        """Write the archive, and report how far it is; the row says how it ended."""
        reporting = asyncio.create_task(self._report_forever())
        try:
            size = await self._write()
        except asyncio.CancelledError:
            await self._end(error=_DIED)
            raise
        except (OSError, ArchiveError, Unavailable) as error:
            _log.warning("an export failed", export=self._export.id, reason=str(error))
            await self._end(error="the disk or the database is not available")
        except Exception:
            _log.error("an export failed", export=self._export.id, exc_info=True)
            await self._end(error="it failed: the server's log says why")
        else:
            await self._end(size=size)
        finally:
            reporting.cancel()

    async def _write(self) -> int:
        path = archive_path(self._engine, self._export.id)
        await asyncio.to_thread(private_files.make_folders, path.parent, path.parent)
        options = ExportOptions(passphrase=self._passphrase)
        await export_tenant(self._engine, self._actor, path, options, self._show)
        return path.stat().st_size

    def _show(self, stage: str, done: int, total: int) -> None:
        now = {f"{stage}_done": done, f"{stage}_total": total}
        self._export = structs.replace(self._export, **now)

    async def _report_forever(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            lease_until = self._engine.clock.now() + _LEASE
            with suppress(Unavailable):
                await self._save(structs.replace(self._export, lease_until=lease_until))

    async def _end(self, *, size: int | None = None, error: str | None = None) -> None:
        now = self._engine.clock.now()
        ended = structs.replace(
            self._export,
            state="failed" if size is None else "done",
            size=size,
            error=error,
            finished_at=now,
            expires_at=now + KEEP_FOR,
        )
        for pause in _END_PAUSES:
            try:
                await self._save(ended)
            except Unavailable:
                await asyncio.sleep(pause)
            else:
                return

    async def _save(self, export: TenantExport) -> None:
        await self._engine.db.write(self._actor.tenant_id, exports.change, export)
