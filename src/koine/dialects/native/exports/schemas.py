"""The types of exports of the tenant."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class StartExport(Struct, frozen=True):
    """A new export. Under a `passphrase` the archive is encrypted and has the secrets of webhooks
    and inboxes; without one it has none."""

    passphrase: Annotated[str, Meta(max_length=1024)] | None = None


class Progress(Struct, frozen=True):
    """How many rows and uploads of the export are written."""

    rows: int
    rows_total: int
    files: int
    files_total: int


class Export(Struct, frozen=True):
    """One export. When it is done `size` is that of the archive in bytes, and `download_url` is
    valid until `download_expires_at`; get the export again for a new one. The archive is deleted
    at `expires_at`."""

    id: str
    state: Literal["running", "done", "failed"]
    encrypted: bool
    progress: Progress
    size: int | None
    error: str | None
    requested_by: str | None
    created_at: str
    finished_at: str | None
    expires_at: str | None
    download_url: str | None
    download_expires_at: str | None


class Exports(Struct, frozen=True):
    """The tenant's exports, newest first."""

    data: list[Export]
    next_cursor: str | None


class DownloadQuery(Struct, frozen=True):
    """The signature of a link to download an archive: part of its `download_url`."""

    expires: int
    token: Annotated[str, Meta(max_length=200)]
