"""LISTEN and NOTIFY: messages between the processes of one database."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg

_RESPONSE_SECONDS = 2
_CLOSE_SECONDS = 1.0
_SETTINGS = {
    "application_name": "koine-bus",
    # A notification is written to the WAL, but need not survive a crash.
    "synchronous_commit": "off",
}
_CHANNEL = "koine_"
_SUBJECTS = ("log_advanced", "ephemeral")
_NOTIFY = (
    "SELECT pg_notify($1 || subject, text) FROM unnest($2::text[], $3::text[]) t(subject, text)"
)


class PostgresNotifyTransport:
    """The `BusTransport` of a PostgreSQL server, on its own connection and outside of
    transactions."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None
        self._closed = asyncio.Event()

    async def open(self, receive: Callable[[str, bytes], None]) -> None:
        """Connect and listen. Raises asyncpg's errors."""
        self._closed = closed = asyncio.Event()

        def on_message(_connection: Any, _pid: int, channel: str, text: object) -> None:
            try:
                payload = b64decode(str(text), validate=True)
            except ValueError:  # not a message of Koine
                return
            receive(channel.removeprefix(_CHANNEL), payload)

        self._connection = connection = await asyncpg.connect(
            self._url,
            timeout=_RESPONSE_SECONDS,
            command_timeout=_RESPONSE_SECONDS,
            server_settings=_SETTINGS,
        )
        connection.add_termination_listener(lambda _: closed.set())
        for subject in _SUBJECTS:
            await connection.add_listener(_CHANNEL + subject, on_message)

    async def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send them all in one statement; returns when the server has them. Raises asyncpg's
        errors."""
        subjects = [subject for subject, _ in messages]
        # A notification is text. Without messages the statement checks that the server responds.
        texts = [b64encode(payload).decode() for _, payload in messages]
        await self._connection.execute(_NOTIFY, _CHANNEL, subjects, texts)

    async def wait_closed(self) -> None:
        """Returns when the connection was closed or lost."""
        await self._closed.wait()

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close(timeout=_CLOSE_SECONDS)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()
