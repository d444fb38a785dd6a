"""Verify an archive without a database: every digest, every count, every row."""

import hashlib
import re
import secrets
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from koine.engine.archive import tar
from koine.engine.archive.format import (
    HEAD,
    MANIFEST,
    MAX_MANIFEST,
    MAX_MEMBER,
    MAX_MEMBERS,
    ArchiveError,
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
    known_table,
    open_archive,
    read_all,
)
from koine.engine.archive.row_checks import BadRow, check_rows
from koine.engine.archive.tar import Member, Source
from koine.kit.digests import Digest, difference, digest_of
from koine.store import schema
from koine.store.archive.columns import TABLES, TENANT

_LINE = re.compile(r"([0-9a-f]{64})  (files/[A-Za-z0-9_-]{32})")
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
        self._positions: tuple[int, int] | None = None
        self._max_number = 0
        self._keys = _FileKeys()

    def add(self, member: Member) -> None:
        """Read the next member. Raises ArchiveError."""
        if self._manifest is not None:
            raise ArchiveError(f"{member.name} comes after the manifest")
        if self._head is None and member.name != HEAD:
            raise ArchiveError("it is no archive of a tenant")
        if file_key(member.name) is not None:
            self._add_file(member)
            return
        is_manifest = member.name == MANIFEST
        data = read_all(self._source, member, MAX_MANIFEST if is_manifest else MAX_MEMBER)
        if is_manifest:
            self._manifest = decode_manifest(data)
            self._manifest_digest = digest_of(data).sha256
            return
        if member.name in self._members:
            raise ArchiveError(f"{member.name} is there twice")
        if len(self._members) == MAX_MEMBERS:
            raise ArchiveError(f"it has more than {MAX_MEMBERS:,} members")
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
        if reason := difference(manifest.members, self._members):
            raise ArchiveError(reason)
        counted = {name: count for name, count in self._counts.items() if count}
        if {name: count for name, count in manifest.rows.items() if count} != counted:
            raise ArchiveError("the numbers of its rows are not those of the manifest")
        if counted.get(TENANT.name) != 1:
            raise ArchiveError("it has no tenant")
        files = (self._files, self._file_bytes, counted.get("files", 0))
        expected = (manifest.files, manifest.file_bytes, manifest.files + manifest.deleted)
        if self._unlisted or files != expected:
            raise ArchiveError("its files are not those of the manifest")
        return Contents(
            head=head,
            manifest=manifest,
            digest=self._manifest_digest,
            rows=self._rows,
            files_at=self._files_at,
            positions=self._positions or (1, 0),
            max_number=self._max_number,
        )

    def _add_rows(self, table: str, member: Member, data: bytes) -> None:
        if self._files or (
            self._rows and _TABLE_ORDER.index(table) < _TABLE_ORDER.index(self._rows[-1][0])
        ):
            raise ArchiveError(f"{member.name} is not where it belongs")
        rows = decode_rows(table, member.name, data)
        try:
            check_rows(self._head.tenant.id if self._head else "", table, rows)
        except BadRow as error:
            raise ArchiveError(f"{member.name} has a row that no Koine wrote: {error}") from None
        if table == "messages":
            self._max_number = max([self._max_number, *(row.number for row in rows)])
        if table in _IN_THE_LOG and rows:
            found = [*(self._positions or ()), *(row.position for row in rows)]
            self._positions = min(found), max(found)
        if table == "files":
            self._keys.add([row.key for row in rows])
        if table == TENANT.name and [*map(_name_of, rows)] != [self._head and self._head.tenant]:
            raise ArchiveError(f"{HEAD} names another tenant")
        self._rows.append((table, member))
        self._counts[table] += len(rows)

    def _add_file(self, member: Member) -> None:
        if not self._keys.take(member.name.removeprefix("files/")):
            raise ArchiveError(f"{member.name} has no row, or is there twice")
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


_IN_THE_LOG = ("events", "webhook_deliveries", "webhook_attempts")
"""The tables with positions of events."""


def _name_of(tenant: Any) -> TenantName:
    return TenantName(tenant.id, tenant.number, tenant.slug, tenant.name)


def _known(head: Head) -> Head:
    if not schema.knows(head.schema):
        raise ArchiveError(
            f"its tables are of the revision {head.schema[:20]!r}, which this version does not "
            f"know: use Koine {head.koine[:40]} or a newer one"
        )
    return head


class _FileKeys:
    """The keys of the rows of files, each of which has at most one member. There may be millions:
    of each 8 bytes of a digest are kept, with a secret, so that nobody can make two equal ones."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(16)
        self._digests = array("Q")
        self._taken = bytearray()

    def add(self, keys: list[str]) -> None:
        """Add the keys of rows, before any is taken."""
        self._digests.extend(map(self._digest, keys))

    def take(self, key: str) -> bool:
        """Whether a row has this key, and it was not taken before."""
        if len(self._taken) != len(self._digests):
            self._digests = array("Q", sorted(self._digests))
            self._taken = bytearray(len(self._digests))
        digest = self._digest(key)
        at = bisect_left(self._digests, digest)
        if at == len(self._digests) or self._digests[at] != digest or self._taken[at]:
            return False
        self._taken[at] = True
        return True

    def _digest(self, key: str) -> int:
        made = hashlib.blake2b(key.encode(), digest_size=8, key=self._secret).digest()
        return int.from_bytes(made)
