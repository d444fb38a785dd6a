"""Idempotency keys: the first response under a key is returned to each retry, for a day.

The scope of a key is tenant, caller, method and path; while the first request runs, a retry is a
Conflict; with another payload it is KeyReused (contracts/README.md).

A response may contain messages, and a payload a password. So the response is encrypted and the
payload hashed with a secret that is derived of the key, which is not stored: after a conversation
was deleted, nothing of it can be read here. When a person is erased, callers with the key must not
get the person's data back either, and the server cannot tell in which responses they are: then all
of the tenant's stored responses are replaced by what names what their requests created.
"""

import hashlib
from collections.abc import Sequence
from typing import Self

from msgspec import Struct

from koine.engine.core.encryption import SecretCipher
from koine.engine.core.engine import Engine
from koine.kit import tokens
from koine.kit.times import DAY, SECOND
from koine.model.actor import Actor
from koine.model.errors import Conflict, Invalid
from koine.store import idempotency as rows
from koine.store.core.db import Tx
from koine.store.idempotency import IdempotencyRecord

KEEP_FOR = DAY
"""How long a response is stored, µs."""
CLAIM_TIMEOUT = 60 * SECOND
"""After this time a claim without response is taken for that of a process that died, µs."""


CREATED_HEADER = "x-koine-created"
"""The stored header that names what a request created; it is not sent."""
_ERASED = b"erased:"
"""How the content of an erased response begins; that of others is encrypted and never does."""


class KeyReused(Invalid):
    """The key was used before with another payload. The response is a 422 in every dialect."""

    def __init__(self) -> None:
        super().__init__("Idempotency-Key", "was used before with another payload")


class KeyedRequest(Struct, frozen=True):
    """A request with an Idempotency-Key. `action` is "POST /path", `payload` a digest of all that
    was sent. `by_contact` distinguishes contacts from users and API keys."""

    tenant_id: str
    caller: str
    by_contact: bool
    action: str
    key: str
    payload: str

    @classmethod
    def of(cls, actor: Actor, action: str, key: str, payload: str) -> Self:
        """The request of this caller."""
        by_contact = actor.kind == "contact"
        return cls(actor.tenant_id, actor.caller, by_contact, action, key, payload)

    @property
    def scope(self) -> tuple[str, str, str, str]:
        """What two requests have in common when the second is a retry of the first."""
        return self.tenant_id, self.caller, self.action, self.key

    @property
    def key_digest(self) -> str:
        """The digest of the scope, which identifies the row of this key within the tenant."""
        return hashlib.sha256(self._text().encode()).hexdigest()

    @property
    def request_digest(self) -> str:
        """The digest of the payload, as it is stored."""
        return tokens.hmac_hex(self._secret(), self.payload)

    def encryption(self) -> SecretCipher:
        """What encrypts the response: without the key itself it cannot be read."""
        return SecretCipher(self._secret())

    def _secret(self) -> str:
        return tokens.sha256_hex(f"answer\0{self._text()}")

    def _text(self) -> str:
        return "\0".join((self.caller, self.action, self.key))


class StoredResponse(Struct, frozen=True):
    """A first response: status, headers as JSON text, body.

    `headers` is None where the response was too large to be stored, or was erased. Then there is
    only its status and `created`, from which the route renders it again.
    """

    status: int
    headers: str | None
    content: bytes = b""
    created: str = ""

    @property
    def size(self) -> int:
        """How many bytes are stored."""
        return len(self.headers or "") + len(self.content)


async def claim(engine: Engine, request: KeyedRequest, runner: str = "") -> StoredResponse | None:
    """Claim the key for a request that the process `runner` then executes (None), or return the
    response that is stored under it.

    Raises Conflict("in_flight") while the first request runs, KeyReused for another payload.
    """
    return await engine.db.write(request.tenant_id, _claim, engine.clock.now(), request, runner)


async def _claim(tx: Tx, now: int, request: KeyedRequest, runner: str) -> StoredResponse | None:
    key_digest, request_digest = request.key_digest, request.request_digest
    if await rows.claim(tx, key_digest, request_digest, now, runner):
        return None
    found = await rows.get(tx, key_digest)
    if found is None:
        raise _in_flight()
    if now - found.claimed_at > KEEP_FOR or _is_abandoned(found, now, runner):
        if await rows.reclaim(tx, found, request_digest, now, runner):
            return None
        raise _in_flight()
    if found.request_digest != request_digest:
        raise KeyReused
    if found.status is None:
        raise _in_flight()
    return _response(found, request)


async def claim_many(engine: Engine, requests: list[KeyedRequest], runner: str) -> list[bool]:
    """Claim those of the keys that are unused, in one transaction; returns which. `claim` decides
    about the others. No two may be for the same key. Raises Unavailable."""
    wanted = [(each.tenant_id, each.key_digest, each.request_digest) for each in requests]
    claimed = await engine.db.write("", rows.claim_many, wanted, engine.clock.now(), runner)
    return [(tenant_id, key_digest) in claimed for tenant_id, key_digest, _ in wanted]


async def find_many(engine: Engine, requests: list[KeyedRequest]) -> list[IdempotencyRecord | None]:
    """Read the rows of these keys, without claiming any. Raises Unavailable."""
    sought = [(each.tenant_id, each.key_digest) for each in requests]
    found = await engine.db.read("", rows.get_many, sought)
    return [found.get(each) for each in sought]


def replayable(
    found: IdempotencyRecord | None, request: KeyedRequest, now: int
) -> StoredResponse | None:
    """The response in a row of `find_many`; None when the request is to be executed.

    Raises Conflict("in_flight") while another process executes the first request, KeyReused for
    another payload.
    """
    if found is None or now - found.claimed_at > KEEP_FOR:
        return None
    if found.status is None:
        if _is_abandoned(found, now, ""):
            return None
        raise _in_flight()
    if found.request_digest != request.request_digest:
        raise KeyReused
    return _response(found, request)


async def save_many(
    engine: Engine, responses: Sequence[tuple[KeyedRequest, StoredResponse]]
) -> None:
    """Save first responses under claimed keys, in one transaction. No two may be for the same key.
    Raises Unavailable."""
    saved = [
        (request.tenant_id, request.key_digest, *_columns(request, response))
        for request, response in responses
    ]
    await engine.db.write("", rows.save_many, saved)


async def save_unclaimed_many(
    engine: Engine, responses: Sequence[tuple[KeyedRequest, StoredResponse]]
) -> None:
    """Save first responses under keys that were not claimed, in one transaction. Raises
    Unavailable."""
    now = engine.clock.now()
    saved = [
        (
            request.tenant_id,
            request.key_digest,
            request.request_digest,
            now,
            *_columns(request, response),
        )
        for request, response in responses
    ]
    await engine.db.write("", rows.save_unclaimed_many, saved)


def erased_content(headers: list[tuple[str, str]]) -> bytes:
    """What is stored in place of a response with these headers when it is erased."""
    return _ERASED + dict(headers).get(CREATED_HEADER, "").encode()


async def release(engine: Engine, request: KeyedRequest) -> None:
    """Release the key: there is no response to store, and a retry is executed. Raises
    Unavailable."""
    await engine.db.write(request.tenant_id, rows.release, request.key_digest)


def _is_abandoned(found: IdempotencyRecord, now: int, runner: str) -> bool:
    """Whether the first request will never get a response. A process that finds its own claim knows
    that at once: it claims only for requests that it is not executing already."""
    if found.status is not None:
        return False
    return now - found.claimed_at > CLAIM_TIMEOUT or (runner != "" and found.headers == runner)


def _in_flight() -> Conflict:
    return Conflict("in_flight", "the first request with this key is still running")


def _columns(request: KeyedRequest, response: StoredResponse) -> tuple[int, str | None, bytes]:
    complete = response.headers is not None
    content = response.content if complete else response.created.encode()
    return response.status, response.headers, request.encryption().encrypt(content)


def _response(found: IdempotencyRecord, request: KeyedRequest) -> StoredResponse:
    assert found.status is not None
    stored = bytes(found.content or b"")
    if stored.startswith(_ERASED):
        return StoredResponse(found.status, None, created=stored.removeprefix(_ERASED).decode())
    content = request.encryption().decrypt(stored)
    if found.headers is None:
        return StoredResponse(found.status, None, created=content.decode())
    return StoredResponse(found.status, found.headers, content)
