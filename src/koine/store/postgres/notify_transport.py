"""LISTEN and NOTIFY: what the processes of one database call to one another through it."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg

_ANSWER_SECONDS = 2
_CLOSE_SECONDS = 1.0
_SETTINGS = {
    "application_name": "koine-bus",
    # A notification is written to the server's log of changes, and need not survive anything.
    "synchronous_commit": "off",
}
_CHANNEL = "koine_"
_SUBJECTS = ("log_advanced", "ephemeral")
_NOTIFY = (
    "SELECT pg_notify($1 || subject, said) FROM unnest($2::text[], $3::text[]) t(subject, said)"
)


class PostgresNotifyTransport:
    """`store.db.Wire` over a connection of its own, in no transaction but its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None
        self._closed = asyncio.Event()

    async def open(self, heard: Callable[[str, bytes], None]) -> None:
        """Connect and listen. Raises what asyncpg raises."""
        self._closed = closed = asyncio.Event()

        def on_message(_connection: Any, _pid: int, channel: str, said: object) -> None:
            try:
                payload = b64decode(str(said), validate=True)
            except ValueError:  # somebody else's
                return
            heard(channel.removeprefix(_CHANNEL), payload)

        self._connection = connection = await asyncpg.connect(
            self._url,
            timeout=_ANSWER_SECONDS,
            command_timeout=_ANSWER_SECONDS,
            server_settings=_SETTINGS,
        )
        connection.add_termination_listener(lambda _: closed.set())
        for subject in _SUBJECTS:
            await connection.add_listener(_CHANNEL + subject, on_message)

    async def publish(self, told: Sequence[tuple[str, bytes]]) -> None:
        """Notify all at once; answers when the server has it. Raises what asyncpg raises."""
        subjects = [subject for subject, _ in told]
        # A notification is text. With none this is a sign of life.
        texts = [b64encode(payload).decode() for _, payload in told]
        await self._connection.execute(_NOTIFY, _CHANNEL, subjects, texts)

    async def wait_closed(self) -> None:
        """Returns when the connection is no more."""
        await self._closed.wait()

    async def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close(timeout=_CLOSE_SECONDS)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()
