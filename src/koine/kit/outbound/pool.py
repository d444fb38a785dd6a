"""Connections kept for the next request to the same place."""

import asyncio
import ssl
from typing import NamedTuple

from koine.kit.outbound.address import Address
from koine.kit.outbound.connection import Connection
from koine.kit.outbound.message import Failed

CONNECT_S = 5.0
MAX_AGE_S = 60.0
"""No connection lives longer, so that a changed name is felt."""
KEPT_EACH = 16
KEPT = 512


class Place(NamedTuple):
    """What a connection is to: never reused for another name at the same address."""

    secure: bool
    host: str
    port: int
    address: Address


class Pool:
    """Opens connections and keeps those that are idle: few to each place, few in all."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        """`tls` None is the system's authorities, read when they are first needed."""
        self._tls = tls
        self._idle: dict[Place, list[Connection]] = {}
        self._places: dict[Connection, Place] = {}
        """Every connection that is idle."""
        self._open: dict[Connection, asyncio.TimerHandle] = {}
        """Every connection, and when it will be too old."""

    def idle(self, place: Place) -> Connection | None:
        """A connection that waits for work, the one used last, if there is any."""
        waiting = self._idle.get(place)
        while waiting:
            connection = waiting[-1]
            self._forget(connection)
            if connection.reusable and self._young(connection):
                return connection
            connection.abort()
        return None

    async def open(self, place: Place) -> Connection:
        """A new connection to this very address. Raises Failed."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                _, connection = await loop.create_connection(
                    lambda: Connection(self._gone),
                    str(place.address),
                    place.port,
                    ssl=self._context() if place.secure else None,
                    server_hostname=place.host if place.secure else None,
                )
        except TimeoutError:
            raise Failed("no connection in time") from None
        except ssl.SSLCertVerificationError as error:
            raise Failed(f"the certificate is not good: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise Failed(f"TLS failed: {error.reason}") from None
        except OSError:
            raise Failed("the connection was refused or broken") from None
        self._open[connection] = loop.call_later(MAX_AGE_S, self._retire, connection)
        return connection

    def keep(self, place: Place, connection: Connection) -> None:
        """Keep a connection whose exchange is over, if it is good for another."""
        waiting = self._idle.setdefault(place, [])
        room = len(waiting) < KEPT_EACH and len(self._places) < KEPT
        if not room or not connection.reusable or not self._young(connection):
            if not waiting:
                del self._idle[place]
            connection.abort()
            return
        waiting.append(connection)
        self._places[connection] = place

    def close(self) -> None:
        """Close every connection."""
        for connection in tuple(self._open):
            connection.abort()

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def _young(self, connection: Connection) -> bool:
        return asyncio.get_running_loop().time() - connection.opened_at < MAX_AGE_S

    def _retire(self, connection: Connection) -> None:
        if connection in self._places:
            connection.abort()

    def _gone(self, connection: Connection) -> None:
        if timer := self._open.pop(connection, None):
            timer.cancel()
        self._forget(connection)

    def _forget(self, connection: Connection) -> None:
        place = self._places.pop(connection, None)
        if place is not None:
            waiting = self._idle[place]
            waiting.remove(connection)
            if not waiting:
                del self._idle[place]
