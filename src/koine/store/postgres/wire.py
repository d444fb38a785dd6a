"""LISTEN and NOTIFY: what the processes of one database call to one another through it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg

_ANSWER_SECONDS = 2
_GOODBYE = 1.0
_SETTINGS = {
    "application_name": "koine bus",
    # A notification is written to the server's log of changes, and need not survive anything.
    "synchronous_commit": "off",
}
_CHANNEL = "koine_"
_SUBJECTS = ("moved", "whisper")
_NOTIFY = (
    "SELECT pg_notify($1 || subject, said) FROM unnest($2::text[], $3::text[]) t(subject, said)"
)


class PostgresWire:
    """`store.db.Wire` over a connection of its own, in no transaction but its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None
        self._closed = asyncio.Event()

    async def open(self, heard: Callable[[str, bytes], None]) -> None:
        """Connect and listen. Raises what asyncpg raises."""
        self._closed = closed = asyncio.Event()

        def on_message(_connection: Any, _pid: int, channel: str, said: object) -> None:
            heard(channel.removeprefix(_CHANNEL), str(said).encode())

        self._connection = connection = await asyncpg.connect(
            self._url,
            timeout=_ANSWER_SECONDS,
            command_timeout=_ANSWER_SECONDS,
            server_settings=_SETTINGS,
        )
        connection.add_termination_listener(lambda _: closed.set())
        for subject in _SUBJECTS:
            await connection.add_listener(_CHANNEL + subject, on_message)

    async def tell(self, told: Sequence[tuple[str, bytes]]) -> None:
        """Notify all at once; answers when the server has it. Raises what asyncpg raises."""
        texts = [(subject, _text(payload)) for subject, payload in told]
        said = [(subject, text) for subject, text in texts if text is not None]
        # With nothing to say this is a sign of life.
        await self._connection.execute(
            _NOTIFY, _CHANNEL, [s for s, _ in said], [t for _, t in said]
        )

    async def broken(self) -> None:
        """Returns when the connection is no more."""
        await self._closed.wait()

    async def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close(timeout=_GOODBYE)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()


def _text(payload: bytes) -> str | None:
    """A payload as a notification can carry it; None when it cannot."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
