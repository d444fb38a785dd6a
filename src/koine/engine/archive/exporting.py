"""Export a tenant: everything it has, as of one moment, into one file, while servers serve it."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Literal

import msgspec
from msgspec import Struct

from koine import __version__
from koine.engine.archive.format import Head, LeftOut, Manifest, TenantName
from koine.engine.archive.sealing import SealingWriter, check_passphrase
from koine.engine.archive.secrets import open_secrets, without_shared_key
from koine.engine.archive.writer import ArchiveWriter
from koine.engine.auth import access
from koine.engine.conversations.files import relative_path
from koine.engine.core.engine import Engine
from koine.engine.core.pace import Pace
from koine.engine.core.recorder import record_audit
from koine.kit import private_files
from koine.kit.times import SECOND, iso_ms
from koine.model.actor import Actor
from koine.model.errors import NotFound
from koine.model.permissions import PERMISSIONS
from koine.model.tenant import Tenant
from koine.store import tenants
from koine.store.archive import rows as table_rows
from koine.store.archive.columns import TABLES, TENANT, ArchivedTable
from koine.store.archive.log import LogPlace, log_place
from koine.store.core.db import Snapshot, Tx

Stage = Literal["rows", "files", "verify"]
Progress = Callable[[Stage, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

_ROWS = 200
"""Rows that are read at a time: few, so that the event loop is not busy for long."""
_ENCODED_ROWS = 25
"""Rows that are encoded at a time: if each is as large as may be, a member is not too large."""
_encoder = msgspec.json.Encoder()


class ExportOptions(Struct, frozen=True, kw_only=True):
    """Under a `passphrase` the archive is encrypted and has all secrets; without one it has those
    that only this server opens if `with_secrets`. `share`: see `Pace`."""

    passphrase: str | None = None
    with_secrets: bool = False
    share: float = 1.0

    @property
    def has_secrets(self) -> bool:
        """Whether the archive has all secrets."""
        return self.passphrase is not None or self.with_secrets


def no_progress(_stage: Stage, _done: int, _total: int) -> None:
    """Show nothing."""


async def export_tenant(
    engine: Engine,
    actor: Actor,
    path: Path,
    options: ExportOptions,
    progress: Progress = no_progress,
) -> Manifest:
    """Write an archive of the actor's tenant to `path`, a new file that its owner alone may read:
    it is complete when this returns, and absent if it raises. The rows are those of one moment; the
    uploads are read after them. Raises Forbidden for an actor without all permissions,
    NotFound("tenant"), FileExistsError, ArchiveError for a short passphrase, Unavailable."""
    require_everything(actor)
    if options.passphrase is not None:
        await asyncio.to_thread(check_passphrase, options.passphrase)
    if path.exists():
        raise FileExistsError(path)
    with (
        private_files.complete_or_absent(path) as out,
        tempfile.TemporaryFile(dir=path.parent) as keys,
    ):
        sealed = None
        if options.passphrase is not None:
            sealed = await asyncio.to_thread(SealingWriter, out, options.passphrase)
        export = _Export(engine, actor.tenant_id, options, progress, keys)
        manifest = await export.write(out if sealed is None else sealed)
        if sealed is not None:
            await asyncio.to_thread(sealed.close)
        await _record(engine, actor, manifest, options)
        return manifest


def require_everything(actor: Actor) -> None:
    """Raise Forbidden for an actor that may not read all that a tenant has."""
    access.require_all(actor, PERMISSIONS)
    access.require_private_notes(actor, "tenant_admin")


async def _record(engine: Engine, actor: Actor, manifest: Manifest, options: ExportOptions) -> None:
    detail = {
        "rows": sum(manifest.rows.values()),
        "files": manifest.files,
        "encrypted": options.passphrase is not None,
        "secrets": options.has_secrets,
    }

    async def record(tx: Tx, now: int) -> None:
        await record_audit(tx, now, actor, "export", "tenant", tx.tenant_id, **detail)

    await engine.db.write(actor.tenant_id, record, engine.clock.now())


class _Export:
    """One export. `keys` gets the keys of the uploads, which may be too many for the memory."""

    def __init__(
        self,
        engine: Engine,
        tenant_id: str,
        options: ExportOptions,
        progress: Progress,
        keys: IO[bytes],
    ) -> None:
        self._engine = engine
        self._tenant_id = tenant_id
        self._options = options
        self._progress = progress
        self._keys = keys
        self._key_count = 0
        self._pace = Pace(engine, options.share)
        self._left_out: list[LeftOut] = []
        self._done = self._total = 0

    async def write(self, sink: Any) -> Manifest:
        """Write the whole archive."""
        async with self._engine.db.snapshot() as view:
            tenant, place = await view.read(self._tenant_id, _overview)
            counts = await view.read(self._tenant_id, table_rows.count_tables)
            self._total = sum(counts.values())
            head = await self._head(tenant, place)
            writer = ArchiveWriter(sink, head, self._engine.clock.now() // SECOND)
            await self._add_tenant(writer, tenant)
            for table in TABLES:
                await self._add_table(view, writer, table)
        await self._add_files(writer)
        return await asyncio.to_thread(writer.finish, self._left_out)

    async def _head(self, tenant: Tenant, place: LogPlace) -> Head:
        return Head(
            koine=__version__,
            schema=await self._engine.db.version() or "",
            created_at=iso_ms(self._engine.clock.now()),
            tenant=TenantName(tenant.id, tenant.number, tenant.slug, tenant.name),
            position=place.newest,
            planned=place.planned,
            secrets=self._options.has_secrets,
        )

    async def _add_tenant(self, writer: ArchiveWriter, tenant: Tenant) -> None:
        if not self._options.has_secrets:
            tenant, lost = without_shared_key(tenant)
            self._left_out += lost
        kept = {name: getattr(tenant, name) for name in TENANT.kinds if _is_kept(name)}
        await asyncio.to_thread(writer.add_rows, TENANT.name, _encoder.encode(kept) + b"\n", 1)
        await asyncio.to_thread(writer.end_rows, TENANT.name)

    async def _add_table(self, view: Snapshot, writer: ArchiveWriter, table: ArchivedTable) -> None:
        async for rows in table_rows.stream_rows(view, table, self._tenant_id, _ROWS):
            self._left_out += open_secrets(
                table, rows, self._engine.encryption, self._options.has_secrets
            )
            if table.name == "files":
                self._keys.write("".join(f"{row.key}\n" for row in rows).encode())
                self._key_count += len(rows)
            await asyncio.to_thread(_add_rows, writer, table.name, rows)
            self._done += len(rows)
            self._progress("rows", self._done, self._total)
            await self._pace.rest()
        await asyncio.to_thread(writer.end_rows, table.name)

    async def _add_files(self, writer: ArchiveWriter) -> None:
        self._keys.seek(0)
        data = Path(self._engine.settings.data_dir)
        for done, line in enumerate(self._keys, 1):
            key = line.decode().rstrip("\n")
            await asyncio.to_thread(writer.add_file, key, data / relative_path(key))
            self._progress("files", done, self._key_count)
            await self._pace.rest()


def _add_rows(writer: ArchiveWriter, table: str, rows: list[Any]) -> None:
    for first in range(0, len(rows), _ENCODED_ROWS):
        some = rows[first : first + _ENCODED_ROWS]
        writer.add_rows(table, _encoder.encode_lines(some), len(some))


def _is_kept(name: str) -> bool:
    return TENANT.kinds[name] != "here"


async def _overview(tx: Tx) -> tuple[Tenant, LogPlace]:
    tenant = await tenants.get(tx, tx.tenant_id)
    if tenant is None:
        raise NotFound("tenant")
    return tenant, await log_place(tx)
