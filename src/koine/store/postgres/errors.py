"""What the errors of connecting and of missing rights mean, in words for an operator."""

import socket
import ssl
from typing import Any

import asyncpg

from koine.store.core.db import CannotConnect, MissingRight
from koine.store.postgres import client_files
from koine.store.postgres.tx import ConnectionLost

CONNECT_ERRORS: tuple[type[Exception], ...] = (
    ConnectionLost,
    OSError,  # TimeoutError, ssl.SSLError and socket.gaierror are such errors
    ValueError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.TargetServerAttributeNotMatched,
)
"""What `asyncpg.connect` raises when it does not connect."""
RIGHT_ERRORS = (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidSchemaNameError)
"""The role may not do something; the latter when it may use no schema of its search path."""

_NOT_YET = (
    asyncpg.CannotConnectNowError,  # it is starting, stopping or recovering
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.PostgresConnectionError,
)
_FILE_ERRORS = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)
_ABOUT = (
    "SELECT quote_ident(current_user), current_database(), quote_ident(coalesce("
    "current_schema(), 'public')), (SELECT quote_ident(tableowner) FROM pg_tables"
    " WHERE tablename = 'alembic_version' LIMIT 1)"
)


def cannot_connect(error: Exception, url: str) -> CannotConnect:
    """Why a connection to this URL could not be opened: `error` is one of CONNECT_ERRORS."""
    cause = error.__cause__ if isinstance(error, ConnectionLost) else error
    if isinstance(cause, socket.gaierror):
        # Where containers start together, a name appears with its container.
        reason = f"cannot be reached: its host's name cannot be resolved ({cause.strerror})"
        return CannotConnect(reason, may_pass=True)
    if isinstance(cause, ssl.SSLError):
        return CannotConnect(f"cannot be reached over TLS: {cause}")
    if isinstance(cause, _FILE_ERRORS) and (fault := client_files.certificate_fault(url)):
        return CannotConnect(f"cannot be reached over TLS: {fault}")
    if isinstance(cause, ConnectionError | TimeoutError | FileNotFoundError):
        return CannotConnect("does not answer: is it running?", may_pass=True)
    if isinstance(cause, OSError):
        return CannotConnect(f"cannot be reached: {cause.strerror or cause}", may_pass=True)
    if isinstance(cause, asyncpg.TargetServerAttributeNotMatched):
        return CannotConnect("has no server with the target_session_attrs", may_pass=True)
    if isinstance(cause, _NOT_YET):
        return CannotConnect(f"is not ready: {cause}", may_pass=True)
    if isinstance(cause, ValueError):
        return CannotConnect(f"cannot be reached: its URL or a variable PG… is wrong: {cause}")
    reason = f"refuses the connection: {cause}"
    if isinstance(cause, asyncpg.InvalidAuthorizationSpecificationError):
        fault = client_files.password_fault(url)
        reason += f"; not used: {fault}" if fault else ""
    return CannotConnect(reason)


async def missing_right(connection: Any, error: Exception) -> MissingRight:
    """What the connection's role needs: `error` is one of RIGHT_ERRORS. Raises asyncpg's errors."""
    role, database, schema, owner = await connection.fetchrow(_ABOUT)
    if owner is not None and owner != role:
        grant = f"GRANT {owner} TO {role}"
    elif "database" in str(error):
        grant = f'GRANT CREATE ON DATABASE "{database}" TO {role}'
    else:
        grant = f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}"
    return MissingRight(
        f"the role {role} lacks a right in the database {database} ({error}): "
        f"run there, as its owner or a superuser: {grant}"
    )
