"""The settings of backups and of the S3 store they may go to; `Settings` adds the rest."""

import re
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from koine.kit import setting_urls as urls
from koine.kit.backup_rules import (
    BackupRetention,
    BackupSchedule,
    BadRule,
    parse_retention,
    parse_schedule,
)
from koine.kit.limit_settings import LimitSettings

S3_SCHEME = "s3://"
_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w.~!'()+=-]+)*/?", re.ASCII)
_ENDPOINT = re.compile(rf"|https?://{urls.HOST_AND_PORT}/?")
_MAX_SECRET_FILE = 4096


class BadBackupSetting(Exception):
    """A setting has a bad value. `name` is that of the setting, `reason` says what is accepted."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.reason = reason


class BackupSettings(LimitSettings, frozen=True, kw_only=True):
    """When backups are made, where they go, and how the S3 store is reached."""

    backup_schedule: Annotated[
        str,
        Meta(description="When to make backups: daily@03:15 (UTC), or 24h; empty: never."),
    ] = ""
    backup_to: Annotated[
        str, Meta(description="Folder or s3://bucket/prefix of scheduled backups.")
    ] = ""
    backup_keep: Annotated[
        str,
        Meta(description="Backups to keep there, such as 7d,4w,6m; empty: all of them."),
    ] = ""
    s3_endpoint: Annotated[
        str, Meta(description="URL of the S3 store; empty: Amazon's of the region.")
    ] = ""
    s3_region: Annotated[str, Meta(description="Region of the S3 store.")] = "us-east-1"
    s3_access_key: Annotated[str, Meta(description="Id of the access key of the S3 store.")] = ""
    s3_secret_key: Annotated[str, Meta(description="Secret of that access key.")] = ""
    s3_secret_key_file: Annotated[
        str, Meta(description="File with that secret, instead of the variable.")
    ] = ""

    def schedule(self) -> BackupSchedule | None:
        """When backups are made; None for never. Raises BadRule, but not after `load`."""
        return parse_schedule(self.backup_schedule) if self.backup_schedule else None

    def retention(self) -> BackupRetention | None:
        """Which backups are kept; None for all. Raises BadRule, but not after `load`."""
        return parse_retention(self.backup_keep) if self.backup_keep else None

    def s3_secret(self) -> str:
        """The secret of the access key, "" for none. Raises BadBackupSetting for a file that cannot
        be read or has no secret."""
        if not self.s3_secret_key_file:
            return self.s3_secret_key
        try:
            with Path(self.s3_secret_key_file).open("rb") as file:
                secret = file.read(_MAX_SECRET_FILE + 1).decode().strip()
        except (OSError, ValueError) as error:
            why = (isinstance(error, OSError) and error.strerror) or "it is no text in UTF-8"
            reason = f"{self.s3_secret_key_file} cannot be read: {why}"
            raise BadBackupSetting("s3_secret_key_file", reason) from None
        if not secret or len(secret) > _MAX_SECRET_FILE or "\n" in secret:
            reason = f"{self.s3_secret_key_file} must have the secret alone, on one line"
            raise BadBackupSetting("s3_secret_key_file", reason)
        return secret


def is_s3(place: str) -> bool:
    """Whether a place for backups is one of an S3 store, and no path."""
    return place.startswith(S3_SCHEME)


def check_place(place: str) -> str:
    """Why a place for backups is no valid one, or ""."""
    if is_s3(place) and not _S3.fullmatch(place):
        return "must be s3://bucket or s3://bucket/prefix, without a query"
    return ""


def check(settings: BackupSettings) -> None:
    """Check what the types of the settings do not. Raises BadBackupSetting."""
    for name, parse in (
        ("backup_schedule", settings.schedule),
        ("backup_keep", settings.retention),
    ):
        try:
            parse()
        except BadRule as error:
            raise BadBackupSetting(name, str(error)) from None
    if settings.backup_schedule and not settings.backup_to:
        raise BadBackupSetting("backup_to", "must name where scheduled backups go")
    if reason := check_place(settings.backup_to):
        raise BadBackupSetting("backup_to", reason)
    if not _ENDPOINT.fullmatch(settings.s3_endpoint):
        reason = "must be https://host:port or http://host:port, without a user or path, or empty"
        raise BadBackupSetting("s3_endpoint", reason)
    if settings.s3_secret_key and settings.s3_secret_key_file:
        reason = "give the secret or its file, not both"
        raise BadBackupSetting("s3_secret_key_file", reason)
