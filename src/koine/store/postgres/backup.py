"""Backups of a PostgreSQL database by pg_dump and pg_restore."""

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import asyncpg

from koine.kit.amounts import counted
from koine.store.backup import (
    BackupContents,
    BackupError,
    NotVerified,
    RunSelect,
    backup_contents,
    require_complete,
)
from koine.store.core.db import CannotConnect
from koine.store.postgres import client_files
from koine.store.postgres.errors import CONNECT_ERRORS, cannot_connect

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
_SERVED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'koine' AND pid <> pg_backend_pid()
"""
_EXCLUSIVE_LOCK = 0x6B6F696E66
"""The key of the advisory lock of `exclusive`: any number but that of migrations, the same in every
process."""
_NO_TIMEOUTS = """
SELECT set_config(name, '0', true) FROM pg_settings
WHERE name IN ('idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout')
"""
_REFUSED = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class PostgresBackup:
    """The `DatabaseBackup` of the database at `url`; `programs` is their folder, "" for PATH."""

    kind = "postgres"

    def __init__(self, url: str, programs: str) -> None:
        self._url = url
        self._programs = programs

    async def create(self, target: Path) -> BackupContents:
        """Dump the snapshot of a transaction, and count the rows in the same transaction."""
        async with _connected(self._url) as connection:
            known = [row[0] for row in await connection.fetch(_TABLES)]
            if "alembic_version" not in known:
                raise BackupError("the database is empty")
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await require_complete(connection.fetch)
                snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
                options = (f"--snapshot={snapshot}", f"--file={target}")
                await self._run(
                    "pg_dump", self._url, "-Fc", *_NO_OWNERS, _EXCLUDE_PREVIOUS, *options
                )
                return await backup_contents(connection.fetch, known)

    @asynccontextmanager
    async def open_backup(self, source: Path) -> AsyncIterator[RunSelect]:
        """Restore a backup into a new database on the same server, which is dropped afterwards."""
        name = f"koine_verify_{secrets.token_hex(6)}"
        url = urlunsplit(urlsplit(self._url)._replace(path=f"/{name}"))
        self._require_restore_program()
        async with _connected(self._url) as connection:
            await _create_database(connection, name)
            try:
                await self._restore(url, source)
                async with _connected(url) as copy:
                    yield copy.fetch
            finally:
                await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    @asynccontextmanager
    async def open_database(self) -> AsyncIterator[RunSelect]:
        """Open the database itself."""
        async with _connected(self._url) as connection:
            yield connection.fetch

    @asynccontextmanager
    async def exclusive(self, *, although_served: bool = False) -> AsyncIterator[None]:
        """Hold an advisory lock, and check that no server is connected; PostgreSQL cannot keep one
        from connecting later."""
        async with AsyncExitStack() as opened:
            connection = await opened.enter_async_context(_connected(self._url))
            # A lock of a transaction: that of a session would stay in the connections of a pooler.
            await opened.enter_async_context(connection.transaction())
            await _claim(connection, although_served)
            kept = opened.pop_all()
        try:
            yield
        finally:
            # The block is done. If the connection was lost meanwhile, so was the lock.
            with suppress(BackupError):
                await kept.aclose()

    async def is_empty(self) -> bool:
        """Whether there are no tables, or no tenant in them."""
        async with _connected(self._url) as connection:
            if "tenants" not in [row[0] for row in await connection.fetch(_TABLES)]:
                return True
            return await connection.fetchval("SELECT 1 FROM tenants LIMIT 1") is None

    async def restore(self, source: Path) -> None:
        """Move the tables aside, restore in one transaction, then drop them; if it fails, they are
        moved back. (If this process is killed, they are in a schema `koine_before_…`.)
        """
        aside = f"{_PREVIOUS_SCHEMA_PREFIX}{secrets.token_hex(6)}"
        async with _connected(self._url) as connection:
            here, tables = await _set_tables_aside(connection, aside)
            try:
                await self._restore(self._url, source)
            except BaseException:
                await _restore_tables(connection, aside, here, tables)
                raise
            await connection.execute(f'DROP SCHEMA "{aside}" CASCADE')

    async def _restore(self, url: str, source: Path) -> None:
        whole = ("--single-transaction", "--exit-on-error")
        await self._run("pg_restore", url, *_NO_OWNERS, *whole, str(source))

    def _require_restore_program(self) -> None:
        try:
            self._path_of("pg_restore")
        except BackupError as error:
            raise NotVerified(str(error)) from None

    def _path_of(self, program: str) -> str:
        path = shutil.which(program, path=self._programs or None)
        if path is None:
            where = self._programs or "the search path"
            raise BackupError(
                f"no {program} in {where}: install PostgreSQL's client programs, or say where they "
                "are with KOINE_POSTGRES_PROGRAMS"
            )
        return path

    async def _run(self, program: str, url: str, *options: str) -> None:
        path = self._path_of(program)
        # Every user of the machine can read command lines.
        named, password = without_password(url)
        env = {**os.environ, **({"PGPASSWORD": password} if password else {})}
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            path, *options, f"--dbname={named}", env=env, stdout=pipe, stderr=pipe
        )
        try:
            _, errors = await process.communicate()
        finally:
            if process.returncode is None:  # we are stopped meanwhile
                process.kill()
                await process.wait()
        if process.returncode:
            raise BackupError(f"{program} failed: {errors.decode(errors='replace').strip()}")


def without_password(url: str) -> tuple[str, str]:
    """The URL without its password, and the password, "" if it has none."""
    parts = urlsplit(url)
    user, _, server = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    query = dict(parse_qsl(parts.query))
    password = unquote(password) or query.get("password", "")
    kept = "&".join(pair for pair in parts.query.split("&") if not pair.startswith("password="))
    named = f"{parts.scheme}://{name}@{server}" if name else f"{parts.scheme}://{server}"
    return f"{named}{parts.path}{'?' if kept else ''}{kept}", password


async def _claim(connection: asyncpg.Connection, although_served: bool) -> None:
    """Take the lock until the transaction ends. Raises BackupError."""
    await connection.execute(_NO_TIMEOUTS)
    if not await connection.fetchval(f"SELECT pg_try_advisory_xact_lock({_EXCLUSIVE_LOCK})"):
        raise BackupError("another `koine move` or `koine restore` uses the database: let it end")
    if not although_served and (others := await connection.fetchval(_SERVED)):
        found = counted(others, "connection")
        raise BackupError(f"the database has {found} of Koine: stop it first")


_NO_OWNERS = ("--no-owner", "--no-privileges")
_PREVIOUS_SCHEMA_PREFIX = "koine_before_"
_EXCLUDE_PREVIOUS = f"--exclude-schema={_PREVIOUS_SCHEMA_PREFIX}*"


async def _create_database(connection: asyncpg.Connection, name: str) -> None:
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    except asyncpg.InsufficientPrivilegeError:
        role = await connection.fetchval("SELECT quote_ident(current_user)")
        raise NotVerified(
            "a backup is verified in a temporary database, which this role may not create: "
            f"grant CREATEDB (ALTER ROLE {role} CREATEDB) or use --no-verify"
        ) from None


async def _set_tables_aside(connection: asyncpg.Connection, aside: str) -> tuple[str, list[str]]:
    """Move every table to a new schema; returns the schema where they were, and their names."""
    async with connection.transaction():
        here = await connection.fetchval("SELECT current_schema()")
        tables = [row[0] for row in await connection.fetch(_TABLES)]
        await connection.execute(f'CREATE SCHEMA "{aside}"')
        for table in tables:
            await connection.execute(f'ALTER TABLE "{here}"."{table}" SET SCHEMA "{aside}"')
    return here, tables


async def _restore_tables(
    connection: asyncpg.Connection, aside: str, here: str, tables: list[str]
) -> None:
    async with connection.transaction():
        for table in tables:
            await connection.execute(f'ALTER TABLE "{aside}"."{table}" SET SCHEMA "{here}"')
        await connection.execute(f'DROP SCHEMA "{aside}"')


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        client_files.check(url)
        connection = await asyncpg.connect(url, timeout=5)
    except CannotConnect as error:
        raise BackupError(f"the database {error}") from None
    except CONNECT_ERRORS as error:
        raise BackupError(f"the database {cannot_connect(error, url)}") from None
    try:
        yield connection
    except _REFUSED as error:
        raise BackupError(f"the database failed: {error}") from None
    finally:
        await connection.close()
