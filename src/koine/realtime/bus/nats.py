"""NATS between nodes: core subjects without streams, so a node that is not connected gets nothing.

The subjects are `koine.<name>.log_advanced` and `koine.<name>.ephemeral`; the name is made of what
identifies the database, so that several installations can share one NATS.
"""

import asyncio
import base64
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from typing import TypedDict

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nats.aio.client import Client
from nats.aio.msg import Msg

_TIMEOUT_SECONDS = 2
_PART = r"-----BEGIN {}-----\s*(\S+)\s*-+END {}-----"
_JWT = re.compile(_PART.format("NATS USER JWT", "NATS USER JWT"))
_SEED = re.compile(_PART.format("USER NKEY SEED", "USER NKEY SEED"))


class NatsTransport:
    """A `store.core.db.BusTransport` over a cluster: `urls` are divided by commas, and any one will
    do.

    `creds` is the path of a credentials file, "" for none; `identity` returns what identifies the
    database. The client library's own reconnection is not used: `ReconnectingBus` does it for every
    transport.
    """

    def __init__(self, urls: str, creds: str, identity: Callable[[], Awaitable[str]]) -> None:
        servers = [url.strip() for url in urls.split(",")]
        self._servers = cycle(random.sample(servers, len(servers)))
        self._creds = creds
        self._identity = identity
        self._prefix = ""
        self._client: Client | None = None
        self._closed = asyncio.Event()

    async def open(self, on_message: Callable[[str, bytes], None]) -> None:
        """Connect to a server and subscribe. Raises what the library raises."""
        if not self._prefix:
            self._prefix = f"koine.{subject_name(await self._identity())}."
        self._closed = closed = asyncio.Event()

        async def on_closed() -> None:
            closed.set()

        async def on_error(error: Exception) -> None:
            if not client.is_connected:
                raise error  # otherwise the library retries forever
            closed.set()

        async def forward(message: Msg) -> None:
            on_message(message.subject.removeprefix(self._prefix), message.data)

        self._client = client = Client()
        await client.connect(
            next(self._servers),
            name="koine",
            no_echo=True,
            allow_reconnect=False,
            connect_timeout=_TIMEOUT_SECONDS,
            error_cb=on_error,
            closed_cb=on_closed,
            **_signing(self._creds),
        )
        await client.subscribe(f"{self._prefix}*", cb=forward)
        await client.flush(_TIMEOUT_SECONDS)

    async def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish, and wait until the server has everything. Raises what the library raises."""
        assert self._client is not None, "not open"
        for subject, payload in messages:
            await self._client.publish(self._prefix + subject, payload)
        await self._client.flush(_TIMEOUT_SECONDS)

    async def wait_closed(self) -> None:
        """Return when the connection is closed."""
        await self._closed.wait()

    async def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def subject_name(identity: str) -> str:
    """A database's name in a subject: short, and without a dot."""
    return sha256(identity.encode()).hexdigest()[:16]


class SigningOptions(TypedDict, total=False):
    """The options of the library for a login with a key."""

    user_jwt_cb: Callable[[], bytes]
    signature_cb: Callable[[str], bytes]


def _signing(path: str) -> SigningOptions:
    """The options of a credentials file, read anew each time. Raises OSError, ValueError."""
    if not path:
        return {}
    text = Path(path).read_text()
    jwt, seed = _JWT.search(text), _SEED.search(text)
    if not jwt or not seed:
        raise ValueError(f"{path} is no NATS credentials file")
    # Two bytes say what kind of key it is, then 32 are the seed, then two are a checksum.
    key = Ed25519PrivateKey.from_private_bytes(_base32(seed[1])[2:34])
    return {
        "user_jwt_cb": jwt[1].encode,
        "signature_cb": lambda nonce: base64.b64encode(key.sign(nonce.encode())),
    }


def _base32(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))
