"""Idle connections, kept for the next request to the same host and address."""

import asyncio
import ssl
from typing import NamedTuple

from koine.kit.outbound.connection import Connection
from koine.kit.outbound.message import RequestFailed
from koine.kit.outbound.public_address import Address

CONNECT_TIMEOUT_SECONDS = 5.0
MAX_AGE_SECONDS = 60.0
"""Connections are not reused after this, so that changes of a name take effect."""
MAX_IDLE_PER_KEY = 16
MAX_IDLE = 512


class ConnectionKey(NamedTuple):
    """What a connection is to: it is never reused for another name at the same address."""

    secure: bool
    host: str
    port: int
    address: Address


class ConnectionPool:
    """Opens connections and keeps idle ones, within limits for each key and in all."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        """`tls` None: the system's certificate authorities, loaded on first use."""
        self._tls = tls
        self._idle_by_key: dict[ConnectionKey, list[Connection]] = {}
        self._key_of_idle: dict[Connection, ConnectionKey] = {}
        """Every connection that is idle."""
        self._age_timers: dict[Connection, asyncio.TimerHandle] = {}
        """Every open connection, and the timer of its greatest age."""

    def take_idle(self, key: ConnectionKey) -> Connection | None:
        """Take the most recently used idle connection, if there is one."""
        idle = self._idle_by_key.get(key)
        while idle:
            connection = idle[-1]
            self._remove_idle(connection)
            if connection.reusable and self._is_young(connection):
                return connection
            connection.abort()
        return None

    async def open(self, key: ConnectionKey) -> Connection:
        """Connect to this address. Raises RequestFailed."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                _, connection = await loop.create_connection(
                    lambda: Connection(self._on_lost),
                    str(key.address),
                    key.port,
                    ssl=self._tls_context() if key.secure else None,
                    server_hostname=key.host if key.secure else None,
                )
        except TimeoutError:
            raise RequestFailed("no connection in time") from None
        except ssl.SSLCertVerificationError as error:
            raise RequestFailed(f"the certificate is not good: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise RequestFailed(f"TLS failed: {error.reason}") from None
        except OSError:
            raise RequestFailed("the connection was refused or broken") from None
        self._age_timers[connection] = loop.call_later(
            MAX_AGE_SECONDS, self._close_if_idle, connection
        )
        return connection

    def put_back(self, key: ConnectionKey, connection: Connection) -> None:
        """Keep a connection after its exchange if it can be reused, else close it."""
        idle = self._idle_by_key.setdefault(key, [])
        has_capacity = len(idle) < MAX_IDLE_PER_KEY and len(self._key_of_idle) < MAX_IDLE
        if not has_capacity or not connection.reusable or not self._is_young(connection):
            if not idle:
                del self._idle_by_key[key]
            connection.abort()
            return
        idle.append(connection)
        self._key_of_idle[connection] = key

    def close(self) -> None:
        """Close every connection."""
        for connection in tuple(self._age_timers):
            connection.abort()

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def _is_young(self, connection: Connection) -> bool:
        return asyncio.get_running_loop().time() - connection.opened_at < MAX_AGE_SECONDS

    def _close_if_idle(self, connection: Connection) -> None:
        if connection in self._key_of_idle:
            connection.abort()

    def _on_lost(self, connection: Connection) -> None:
        if timer := self._age_timers.pop(connection, None):
            timer.cancel()
        self._remove_idle(connection)

    def _remove_idle(self, connection: Connection) -> None:
        key = self._key_of_idle.pop(connection, None)
        if key is not None:
            idle = self._idle_by_key[key]
            idle.remove(connection)
            if not idle:
                del self._idle_by_key[key]
