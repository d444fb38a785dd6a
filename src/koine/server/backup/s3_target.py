"""Backups in an S3 store: Amazon's, or one that speaks its protocol (MinIO, Ceph, Garage, R2 …).

A backup is made in the data folder, uploaded in parts, and read back: it counts as verified if
what was read has the SHA-256 of what was made. The operator names the endpoint, so the egress
policy for URLs of tenants does not apply, as with NATS and the OpenTelemetry collector.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from koine.kit import private_files
from koine.kit.backup_settings import S3_SCHEME, BadBackupSetting
from koine.kit.lazy_import import LazyModule
from koine.kit.settings import Settings, variable
from koine.server.backup.info import LARGEST
from koine.server.backup.manifest import BackupManifest
from koine.store.backup import BackupError

if TYPE_CHECKING:
    import obstore
    from obstore import exceptions as failures
    from obstore import store as stores
else:
    obstore = LazyModule("obstore")
    failures = LazyModule("obstore.exceptions")
    stores = LazyModule("obstore.store")

AMAZON = "https://s3.{region}.amazonaws.com"
PART_BYTES = 16 << 20
MOST_PARTS = 9_000
"""Fewer than the 10,000 that S3 allows."""
PARTS_AT_ONCE = 4
READ_BYTES = 1 << 20
CONNECT_TIMEOUT, REQUEST_TIMEOUT, RETRIES = "10s", "300s", 5
NOT_INSTALLED = "obstore is not installed: install koine with its extra `s3`"
_REASON = re.compile(r"<Code>([^<]{1,100})</Code>\s*(?:<Message>([^<]{1,300})</Message>)?")
_STATUS = re.compile(r"status code: ([^:\n]{1,40})")


def is_installed() -> bool:
    """Whether the library for S3 is there."""
    return find_spec("obstore") is not None


def credentials(settings: Settings) -> "Callable[[], stores.S3Credential]":
    """What returns the access key of the settings. Raises BackupError."""
    key = _given("s3_access_key", settings.s3_access_key)
    secret = _given("s3_secret_key", _secret(settings))

    def key_pair() -> "stores.S3Credential":
        return {
            "access_key_id": key,
            "secret_access_key": secret,
            "token": None,
            "expires_at": None,
        }

    return key_pair


class S3Target:
    """The objects of a bucket directly below a prefix."""

    def __init__(self, settings: Settings, url: str) -> None:
        """`url` is s3://bucket or s3://bucket/prefix. Raises BackupError when the library or a
        setting is missing."""
        if not is_installed():
            raise BackupError(NOT_INSTALLED)
        bucket, _, prefix = url.removeprefix(S3_SCHEME).strip("/").partition("/")
        self._url = f"{S3_SCHEME}{bucket}/{prefix}".rstrip("/")
        endpoint = settings.s3_endpoint.rstrip("/") or AMAZON.format(region=settings.s3_region)
        with self._failures("use", ""), _without_variables_of_amazon():
            self._store = stores.S3Store(
                bucket,
                prefix=prefix,
                endpoint=endpoint,
                region=settings.s3_region,
                credential_provider=credentials(settings),
                virtual_hosted_style_request=False,
                client_options={
                    "allow_http": endpoint.startswith("http://"),
                    "connect_timeout": CONNECT_TIMEOUT,
                    "timeout": REQUEST_TIMEOUT,
                },
                retry_config={"max_retries": RETRIES},
            )

    def where(self, name: str) -> str:
        """The s3:// URL of the object."""
        return f"{self._url}/{name}"

    def sizes(self) -> dict[str, int]:
        """The objects below the prefix, without those further down."""
        with self._failures("list", ""):
            found = obstore.list_with_delimiter(self._store)["objects"]
            return {each["path"].rpartition("/")[2]: each["size"] for each in found}

    def read(self, name: str) -> bytes | None:
        """Read the object."""
        with self._failures("read", name):
            try:
                result = obstore.get(self._store, name)
            except FileNotFoundError:
                return None
            if result.meta["size"] > LARGEST:
                return None
            return bytes(result.bytes())

    def write(self, name: str, content: bytes) -> None:
        """Write the object."""
        with self._failures("write", name):
            obstore.put(self._store, name, content, use_multipart=False)

    def delete(self, name: str) -> None:
        """Delete the object."""
        with self._failures("delete", name):
            obstore.delete(self._store, name)

    def manifest(self, name: str) -> BackupManifest | None:
        """None: it is at the end of the backup, and not every store can read just that."""
        return None

    def upload(self, path: Path, name: str) -> None:
        """Upload a backup in parts. No object is replaced."""
        with self._failures("upload", name), path.open("rb") as file:
            if name in self.sizes():
                raise BackupError(f"there is a backup already: {self.where(name)}")
            size = path.stat().st_size
            part = max(PART_BYTES, -(-size // MOST_PARTS))
            obstore.put(self._store, name, file, chunk_size=part, max_concurrency=PARTS_AT_ONCE)

    def sha256(self, name: str) -> str:
        """The SHA-256 (hex) of an object, which is read for it."""
        digest = hashlib.sha256()
        with self._failures("read", name):
            for chunk in obstore.get(self._store, name).stream(min_chunk_size=READ_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def download(self, name: str, path: Path) -> None:
        """Write an object into a new file that only its owner reads."""
        with self._failures("read", name), private_files.create(path) as out:
            for chunk in obstore.get(self._store, name).stream(min_chunk_size=READ_BYTES):
                out.write(chunk)

    @contextmanager
    def _failures(self, action: str, name: str) -> Iterator[None]:
        try:
            yield
        except (failures.BaseError, OSError) as error:
            # An object that is not there is an OSError of the library, with its long text.
            place = self.where(name) if name else self._url
            raise BackupError(f"cannot {action} {place}: {_reason(error)}") from None


@contextmanager
def _without_variables_of_amazon() -> Iterator[None]:
    """Hide the variables of Amazon's programs, which the library reads when it opens a store, some
    of them even before what it is given: they may be those of another account."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AWS_")}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _given(name: str, value: str) -> str:
    if not value:
        raise BackupError(f"{variable(name)} is not set")
    return value


def _secret(settings: Settings) -> str:
    try:
        return settings.s3_secret()
    except BadBackupSetting as error:
        raise BackupError(f"{variable(error.name)}: {error.reason}") from None


def _reason(error: Exception) -> str:
    """Why a request failed, in one line: of the library's long text what the store said."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error)
    if found := _REASON.search(text):
        return ": ".join(part.strip() for part in found.groups() if part)
    if found := _STATUS.search(text):
        return found[1].strip()
    return "the store does not answer" if "HTTP error" in text else text.partition("\n")[0][:300]
