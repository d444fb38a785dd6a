"""Files of passwords, services and certificates that a client of PostgreSQL cannot use."""

import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from koine.kit.settings import load
from koine.server.database import StartupError, open_database
from koine.store.backup import BackupError
from koine.store.core.db import CannotConnect
from koine.store.postgres import client_files
from koine.store.postgres.backup import PostgresBackup
from tests.support.shared_postgres import SharedPostgres

URL = "postgresql://ann@127.0.0.1:1/koine"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without files, and no variable of libpq."""
    for name in os.environ:
        if name.startswith("PG"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


async def refused(url: str) -> str:
    """Why the database cannot be opened: at once, although a server may be waited for."""
    with pytest.raises(StartupError) as caught:
        await open_database(load({}, {"database_url": url}), wait_seconds=60)
    return str(caught.value)


@pytest.mark.parametrize("named", ["missing", "folder", "open", "folder/in/none"])
async def test_a_password_file_that_cannot_be_used_is_named_at_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    (home / "folder").mkdir()
    (home / "open").write_text("*:*:*:*:x\n")
    (home / "open").chmod(0o640)
    path = home / named
    monkeypatch.setenv("PGPASSFILE", str(path))
    said = await refused(URL)
    where = "the database at postgresql://127.0.0.1:1/koine"
    assert said.startswith(f"{where} cannot be reached: the password file {path} ")
    assert "\n" not in said
    with pytest.raises(BackupError, match=f"the password file {path}"):
        await PostgresBackup(URL, "").is_empty()
    for other in (f"{URL}?password=x", URL.replace("ann@", "ann:x@")):
        client_files.check(other)
    monkeypatch.setenv("PGPASSWORD", "x")
    client_files.check(URL)


async def test_a_password_file_of_the_home_is_named_where_it_was_needed(
    home: Path, shared_postgres: SharedPostgres
) -> None:
    parts = urlsplit(shared_postgres.new_empty_database())
    nobody = urlunsplit(parts._replace(netloc=f"nobody@{parts.hostname}:{parts.port}"))
    assert "not used" not in await refused(nobody)
    (home / ".pgpass").write_text("*:*:*:*:x\n")
    (home / ".pgpass").chmod(0o644)
    said = await refused(nobody)
    assert "refuses the connection" in said and "not used: the password file" in said
    assert said.endswith(f"chmod 600 {home / '.pgpass'}")
    (home / ".pgpass").chmod(0o600)
    assert "not used" not in await refused(nobody)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "cannot be read: No such file or directory"),
        ("[other]\nhost=127.0.0.1\n", "has no service acme"),
        ("host=127.0.0.1\n", "is no service file"),
    ],
)
async def test_a_service_that_cannot_be_read_is_not_left_out(
    home: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, fault: str
) -> None:
    path = home / ".pg_service.conf"
    if text is not None:
        path.write_text(text)
    said = await refused("postgresql:///koine?service=acme")
    assert said.endswith(f"cannot be reached: the service file {path} {fault}")
    monkeypatch.setenv("PGSERVICEFILE", str(home))
    said = await refused("postgresql:///koine?service=acme")
    assert said.endswith(f"the service file {home} is no regular file")


async def test_a_service_that_is_there_is_used(home: Path, shared_postgres: SharedPostgres) -> None:
    parts, passwords = urlsplit(shared_postgres.new_empty_database()), home / "passwords"
    given = ("host", parts.hostname), ("port", parts.port), ("user", parts.username)
    files = ("dbname", parts.path[1:]), ("passfile", passwords)
    lines = (f"{name}={value}" for name, value in (*given, *files))
    (home / ".pg_service.conf").write_text("\n".join(["[acme]", *lines]))
    with pytest.raises(CannotConnect, match="the password file"):
        client_files.check("postgresql://?service=acme")
    passwords.touch(0o600)
    passwords.write_text(f"*:*:*:*:{parts.password}\n")
    database = await open_database(load({}, {"database_url": "postgresql://?service=acme"}))
    await database.ping()
    await database.close()


@pytest.mark.parametrize("name", ["sslcert", "sslrootcert"])
async def test_a_certificate_that_cannot_be_read_is_named_at_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"PG{name.upper()}", str(path := home / "none.pem"))
    said = await refused(f"{URL}?sslmode=require")
    assert said.endswith(f"over TLS: {path} ({name}) cannot be read: No such file or directory")


@pytest.mark.parametrize("name", ["sslcert", "sslkey", "sslrootcert", "sslcrl"])
def test_a_certificate_matters_only_where_it_is_used(home: Path, name: str) -> None:
    path = home / "folder.pem"
    path.mkdir()
    fault = f"{path} ({name}) is no regular file"
    verified = f"{URL}?sslmode=verify-full&{name}={path}"
    assert client_files.certificate_fault(verified) == fault
    tried = verified.replace("sslmode=verify-full&", "")
    assert (client_files.certificate_fault(tried) == fault) == (name in ("sslcert", "sslkey"))
    for without in (
        verified.replace("verify-full", "disable"),
        f"postgresql:///koine?{name}={path}",
        f"{URL}?sslmode=verify-full",
    ):
        assert client_files.certificate_fault(without) == ""


async def test_a_variable_that_is_wrong_is_not_a_refusal_of_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPORT", "many")
    said = await refused("postgresql://ann@127.0.0.1/koine")
    assert "its URL or a variable PG… is wrong" in said and "many" in said
