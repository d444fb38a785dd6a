"""Exports of tenants that are made by a server, on request over its API."""

from typing import Literal

from msgspec import Struct

ExportState = Literal["running", "done", "failed"]


class TenantExport(Struct, frozen=True):
    """One export: how far it is, and of the archive its size in bytes and its digest.

    While it runs, its lease is renewed; if that has ended (`lease_until`, µs), it died with its
    process. `requested_by` is the user or key. The archive is deleted at `expires_at`. Without
    `encrypted` it has no secrets that only the server opens.
    """

    id: str
    state: ExportState
    encrypted: bool
    rows_done: int
    rows_total: int
    files_done: int
    files_total: int
    size: int | None
    error: str | None
    requested_by: str | None
    created_at: int
    lease_until: int
    finished_at: int | None
    expires_at: int | None


class TenantExportKey(Struct, frozen=True):
    """The primary key of an export."""

    tenant_id: str
    id: str
