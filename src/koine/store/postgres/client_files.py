"""The files that configure a client of PostgreSQL: passwords, services, certificates and keys.

asyncpg leaves out a password or service file that it cannot read, and connects without the password
or to another server; its error for a certificate does not name the file.
"""

import configparser
import os
import stat
import warnings
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from koine.store.core.db import CannotConnect

_CERTIFICATES = {"sslcert": "postgresql.crt", "sslkey": "postgresql.key"}
_VERIFYING = {"sslrootcert": "root.crt", "sslcrl": "root.crl"}
"""Parameters with the names of their files in ~/.postgresql; the latter are read to verify the
server's certificate."""

# Of a file that others may read; `password_fault` says so where it matters.
warnings.filterwarnings("ignore", "password file", UserWarning, "asyncpg")


def check(url: str) -> None:
    """Raise CannotConnect where the URL or a variable names a service that cannot be read, or a
    password file that cannot be read and is needed."""
    given = _parameters(url)
    named = given.get("passfile") or os.environ.get("PGPASSFILE")
    if named and (fault := _password_fault(url, given, Path(named))):
        raise CannotConnect(f"cannot be reached: {fault}")


def password_fault(url: str) -> str:
    """Why the password file was not used; "" where it was, or there is none. The URL has passed
    `check`."""
    path = _home() / ".pgpass"
    return _password_fault(url, _parameters(url), path) if _is_there(path) else ""


def certificate_fault(url: str) -> str:
    """Which file of certificates or keys cannot be read, and why; "" for none, or without TLS. The
    URL has passed `check`."""
    given = _parameters(url)
    mode = given.get("sslmode") or os.environ.get("PGSSLMODE")
    if mode == "disable" or (mode is None and not _is_over_tcp(url, given)):
        return ""
    names = _CERTIFICATES if mode in (None, "allow", "prefer") else _VERIFYING | _CERTIFICATES
    for name, usual in names.items():
        named = given.get(name) or os.environ.get(f"PG{name.upper()}")
        path = Path(named) if named else _home() / ".postgresql" / usual
        if (named or _is_there(path)) and (fault := _read_fault(path)):
            return f"{path} ({name}) {fault}"
    return ""


def _parameters(url: str) -> Mapping[str, str]:
    """The parameters of the URL, before those of the service that it names. Raises CannotConnect
    for a service that is not in its file."""
    given = dict(parse_qsl(urlsplit(url).query))
    service = given.get("service")
    if not service:
        return given
    named = os.environ.get("PGSERVICEFILE")
    path = Path(named) if named else _home() / ".pg_service.conf"
    if fault := _read_fault(path):
        raise CannotConnect(f"cannot be reached: the service file {path} {fault}")
    services = configparser.ConfigParser()
    try:
        services.read(path)
        return {**services[service], **given}
    except KeyError:
        fault = f"has no service {service}"
    except (configparser.Error, UnicodeDecodeError):
        fault = "is no service file"
    raise CannotConnect(f"cannot be reached: the service file {path} {fault}")


def _password_fault(url: str, given: Mapping[str, str], path: Path) -> str:
    """Why the password file cannot be used; "" where it can, or is not needed."""
    if urlsplit(url).password or given.get("password") or "PGPASSWORD" in os.environ:
        return ""
    fault = _read_fault(path)
    if not fault and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        fault = f"may be read by others: chmod 600 {path}"
    return f"the password file {path} {fault}" if fault else ""


def _read_fault(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return "is no regular file"
        with path.open("rb"):
            return ""
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _is_there(path: Path) -> bool:
    """Whether there is such a file, also one in a folder that may not be entered."""
    try:
        return path.exists()
    except OSError:
        return True


def _is_over_tcp(url: str, given: Mapping[str, str]) -> bool:
    hosts = urlsplit(url).hostname or given.get("host") or os.environ.get("PGHOST") or "/"
    return any(not host.startswith(("/", "%2f")) for host in hosts.split(","))


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # no account has this id, and HOME is not set
        return Path("/nonexistent")
