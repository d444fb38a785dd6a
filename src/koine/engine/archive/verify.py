"""Verify an archive without a database: every digest, every count, every row."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from koine.engine.archive import tar
from koine.engine.archive.format import (
    HEAD,
    MANIFEST,
    ArchiveError,
    Digest,
    Head,
    Manifest,
    TenantName,
    decode_head,
    decode_manifest,
    file_key,
    is_checksums,
)
from koine.engine.archive.reader import (
    Contents,
    decode_rows,
    digest_of,
    known_table,
    open_archive,
    read_all,
)
from koine.engine.archive.tar import Member, Source
from koine.kit.ids import canonical_id
from koine.model.tenant import TenantSettings
from koine.store import schema
from koine.store.archive.columns import TABLES, TENANT

MAX_POSITION = 2**50
"""The highest position of an event and number of a message that is imported: counting on from
there, the server never exceeds what clients can represent (2^53)."""
_LINE = re.compile(r"([0-9a-f]{64})  (files/[A-Za-z0-9_-]{32})")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_TABLE_ORDER = [TENANT.name, *(table.name for table in TABLES)]


def verify(
    path: Path, passphrase: str | None, progress: Callable[[int, int], None] | None = None
) -> Contents:
    """Read all of an archive and check it. Blocks: call it on a thread. `progress` is called with
    the bytes read and their sum. Raises ArchiveError, OSError."""
    size = path.stat().st_size
    with open_archive(path, passphrase) as source:
        check = _Verification(source)
        for member in tar.members(source):
            check.add(member)
            if progress is not None:
                progress(min(member.offset + member.size, size), size)
        return check.finish()


class _Verification:
    """What was read so far."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._head: Head | None = None
        self._manifest: Manifest | None = None
        self._manifest_digest = ""
        self._members: dict[str, Digest] = {}
        self._rows: list[tuple[str, Member]] = []
        self._counts: Counter[str] = Counter()
        self._unlisted: dict[str, str] = {}
        self._files = self._file_bytes = self._files_at = 0
        self._max = {"position": 0, "number": 0}

    def add(self, member: Member) -> None:
        """Read the next member. Raises ArchiveError."""
        if self._manifest is not None:
            raise ArchiveError(f"{member.name} comes after the manifest")
        if self._head is None and member.name != HEAD:
            raise ArchiveError("it is no archive of a tenant")
        if file_key(member.name) is not None:
            self._add_file(member)
            return
        data = read_all(self._source, member)
        if member.name == MANIFEST:
            self._manifest = decode_manifest(data)
            self._manifest_digest = digest_of(data).sha256
            return
        if member.name in self._members:
            raise ArchiveError(f"{member.name} is there twice")
        self._members[member.name] = digest_of(data)
        if member.name == HEAD:
            self._head = _known(decode_head(data))
        elif table := known_table(member.name):
            self._add_rows(table, member, data)
        elif is_checksums(member.name):
            self._check_files(member.name, data)
        else:
            raise ArchiveError(f"{member.name!r} is no part of a tenant's archive")

    def finish(self) -> Contents:
        """Compare what was read with the manifest. Raises ArchiveError."""
        head, manifest = self._head, self._manifest
        if head is None or manifest is None:
            raise ArchiveError(f"it has no {MANIFEST}: it is cut off")
        if manifest.head != head:
            raise ArchiveError(f"{HEAD} and {MANIFEST} are of different archives")
        _compare_members(manifest.members, self._members)
        counted = {name: count for name, count in self._counts.items() if count}
        if {name: count for name, count in manifest.rows.items() if count} != counted:
            raise ArchiveError("the numbers of its rows are not those of the manifest")
        if counted.get(TENANT.name) != 1:
            raise ArchiveError("it has no tenant")
        if self._unlisted or (self._files, self._file_bytes) != (
            manifest.files,
            manifest.file_bytes,
        ):
            raise ArchiveError("its files are not those of the manifest")
        return Contents(
            head=head,
            manifest=manifest,
            digest=self._manifest_digest,
            rows=self._rows,
            files_at=self._files_at,
            max_position=max(self._max["position"], head.position),
            max_number=self._max["number"],
        )

    def _add_rows(self, table: str, member: Member, data: bytes) -> None:
        if self._files or (
            self._rows and _TABLE_ORDER.index(table) < _TABLE_ORDER.index(self._rows[-1][0])
        ):
            raise ArchiveError(f"{member.name} is not where it belongs")
        rows = decode_rows(table, member.name, data)
        for name in _NUMBERED.get(table, ()):
            found = [getattr(row, name) for row in rows]
            low, high = min(found, default=0), max(found, default=0)
            if low < 0 or high > MAX_POSITION:
                raise ArchiveError(f"{member.name} has a {name} out of range")
            kind = "number" if table == "messages" else "position"
            self._max[kind] = max(self._max[kind], high)
        if check := _CHECKS.get(table):
            _run(check, member.name, rows)
        if table == TENANT.name and [*map(_name_of, rows)] != [self._head and self._head.tenant]:
            raise ArchiveError(f"{HEAD} names another tenant")
        self._rows.append((table, member))
        self._counts[table] += len(rows)

    def _add_file(self, member: Member) -> None:
        digest = hashlib.sha256()
        for piece in tar.read_member(self._source, member):
            digest.update(piece)
        if not self._files:
            self._files_at = member.offset - tar.BLOCK
        self._files += 1
        self._file_bytes += member.size
        if member.name in self._unlisted or len(self._unlisted) >= 10_000:
            raise ArchiveError("its files are not those of its checksums")
        self._unlisted[member.name] = digest.hexdigest()

    def _check_files(self, name: str, data: bytes) -> None:
        for line in data.decode("ascii", "replace").splitlines():
            found = _LINE.fullmatch(line)
            if found is None:
                raise ArchiveError(f"{name} cannot be read")
            if self._unlisted.pop(found[2], None) != found[1]:
                raise ArchiveError(f"{found[2]} was changed or damaged: its digest differs")


_NUMBERED = {
    "events": ("position",),
    "webhook_endpoints": ("after_position",),
    "webhook_deliveries": ("position",),
    "webhook_attempts": ("position",),
    "messages": ("number",),
}
"""The numbers of the whole server in rows."""


def _name_of(tenant: Any) -> TenantName:
    return TenantName(tenant.id, tenant.number, tenant.slug, tenant.name)


def _known(head: Head) -> Head:
    if not schema.knows(head.schema):
        raise ArchiveError(
            f"its tables are of the revision {head.schema[:20]!r}, which this version does not "
            f"know: use Koine {head.koine[:40]} or a newer one"
        )
    return head


def _compare_members(expected: dict[str, Digest], found: dict[str, Digest]) -> None:
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            raise ArchiveError(f"{name} is missing")
        if name not in expected:
            raise ArchiveError(f"{name} is not in the manifest")
        if expected[name] != found[name]:
            raise ArchiveError(f"{name} was changed or damaged: its digest differs")


def _run(check: Callable[[Any], object], name: str, rows: list[Any]) -> None:
    try:
        for row in rows:
            check(row)
    except (msgspec.MsgspecError, ValueError):
        raise ArchiveError(f"{name} has a row that no Koine wrote") from None


_objects = msgspec.json.Decoder(dict[str, Any])
_texts = msgspec.json.Decoder(list[str])


def _check_tenant(row: Any) -> None:
    msgspec.json.decode(row.settings, type=TenantSettings)
    ids = [row.id, *([row.default_responder_id] if row.default_responder_id else [])]
    if not all(canonical_id(each) == each for each in ids) or not _SLUG.fullmatch(row.slug):
        raise ValueError(row.id)
    if not 0 < row.number <= MAX_POSITION:
        raise ValueError(row.number)


def _check_endpoint(row: Any) -> None:
    _texts.decode(row.kinds)
    _texts.decode(row.permissions)
    if not row.url.startswith(("https://", "http://")):
        raise ValueError(row.url)


_CHECKS: dict[str, Callable[[Any], object]] = {
    # Work that is done for all tenants at once reads these texts.
    TENANT.name: _check_tenant,
    "events": lambda row: _objects.decode(row.body),
    "webhook_endpoints": _check_endpoint,
}
