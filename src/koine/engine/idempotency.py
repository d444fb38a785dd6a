"""Idempotency-Key: the first response under a key is every later call's response, for a day.

contracts/README.md: scope is tenant, caller, method and path; while the first runs, Conflict; with
another payload, KeyReused.

A response may hold what people wrote, and a payload a password. Both are stored under the key
itself, which is not stored: a conversation that is deleted for good leaves nothing readable here.
"""

import hashlib
from collections.abc import Sequence
from typing import Self

from msgspec import Struct

from koine.engine.core.context import Engine
from koine.engine.core.encryption import SecretCipher
from koine.kit import tokens
from koine.kit.times import DAY, SECOND
from koine.model.actor import Actor
from koine.model.errors import Conflict, Invalid
from koine.store import idempotency as rows
from koine.store.core.db import Tx
from koine.store.idempotency import IdempotencyRecord

KEEP_FOR = DAY
"""How long a response is replayed, µs."""
CLAIM_TIMEOUT = 60 * SECOND
"""A claim without a response after this time is that of a process that died, µs."""


class KeyReused(Invalid):
    """The key came before with another payload. The response is a 422 in every dialect."""

    def __init__(self) -> None:
        super().__init__("Idempotency-Key", "was used before with another payload")


class KeyedRequest(Struct, frozen=True):
    """A request that came with an Idempotency-Key. `action` is "POST /path", `payload` a digest of
    all that was sent. `by_contact` tells anonymous callers from users and API keys."""

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
    def slot(self) -> str:
        """Where the tenant's row of this key is."""
        return hashlib.sha256(self._text().encode()).hexdigest()

    @property
    def digest(self) -> str:
        """The payload as the row has it."""
        return tokens.hmac_hex(self._secret(), self.payload)

    def encryption(self) -> SecretCipher:
        """What encrypts the response: without the key itself it cannot be read."""
        return SecretCipher(self._secret())

    def _secret(self) -> str:
        return tokens.sha256_hex(f"answer\0{self._text()}")

    def _text(self) -> str:
        return "\0".join((self.caller, self.action, self.key))


class StoredResponse(Struct, frozen=True):
    """A first response: status, headers as JSON text, body. `headers` is None where the response
    was too large to be stored: of it there is only its status and `created`, what the call noted
    to show it again."""

    status: int
    headers: str | None
    content: bytes = b""
    created: str = ""

    @property
    def size(self) -> int:
        """How many bytes are stored."""
        return len(self.headers or "") + len(self.content)


async def claim(engine: Engine, request: KeyedRequest, runner: str = "") -> StoredResponse | None:
    """Claim the key for a call that the process `runner` now runs (None), or give the response that
    is stored under it.

    Raises Conflict("in_flight") while the first call runs, KeyReused for another payload.
    """
    return await engine.db.write(request.tenant_id, _claim, engine.clock.now(), request, runner)


async def _claim(tx: Tx, now: int, request: KeyedRequest, runner: str) -> StoredResponse | None:
    slot, digest = request.slot, request.digest
    if await rows.claim(tx, slot, digest, now, runner):
        return None
    found = await rows.get(tx, slot)
    if found is None:
        raise _in_flight()
    if now - found.claimed_at > KEEP_FOR or _is_abandoned(found, now, runner):
        if await rows.reclaim(tx, found, digest, now, runner):
            return None
        raise _in_flight()
    if found.request_digest != digest:
        raise KeyReused
    if found.status is None:
        raise _in_flight()
    return _response(found, request)


async def claim_many(engine: Engine, requests: list[KeyedRequest], runner: str) -> list[bool]:
    """Claim the keys that nobody has used, in one transaction; `claim` says more of the others. No
    two may be for the same key. Raises Unavailable."""
    wanted = [(each.tenant_id, each.slot, each.digest) for each in requests]
    claimed = await engine.db.write("", rows.claim_many, wanted, engine.clock.now(), runner)
    return [(tenant_id, slot) in claimed for tenant_id, slot, _ in wanted]


async def find_many(engine: Engine, requests: list[KeyedRequest]) -> list[IdempotencyRecord | None]:
    """The rows of these keys, which are not claimed. Raises Unavailable."""
    sought = [(each.tenant_id, each.slot) for each in requests]
    found = await engine.db.read("", rows.get_many, sought)
    return [found.get(each) for each in sought]


def replayable(
    found: IdempotencyRecord | None, request: KeyedRequest, now: int
) -> StoredResponse | None:
    """The response in the row that `find_many` gave; None when the call is to run.

    Raises Conflict("in_flight") while another process runs the first, KeyReused for another
    payload.
    """
    if found is None or now - found.claimed_at > KEEP_FOR:
        return None
    if found.status is None:
        if _is_abandoned(found, now, ""):
            return None
        raise _in_flight()
    if found.request_digest != request.digest:
        raise KeyReused
    return _response(found, request)


async def save_many(
    engine: Engine, responses: Sequence[tuple[KeyedRequest, StoredResponse]]
) -> None:
    """Save first responses under claimed keys, in one transaction. No two may be for the same key.
    Raises Unavailable."""
    saved = [
        (request.tenant_id, request.slot, *_columns(request, response))
        for request, response in responses
    ]
    await engine.db.write("", rows.save_many, saved)


async def save_unclaimed_many(
    engine: Engine, responses: Sequence[tuple[KeyedRequest, StoredResponse]]
) -> None:
    """Save first responses under keys that nobody claimed, in one transaction. Raises
    Unavailable."""
    now = engine.clock.now()
    saved = [
        (request.tenant_id, request.slot, request.digest, now, *_columns(request, response))
        for request, response in responses
    ]
    await engine.db.write("", rows.save_unclaimed_many, saved)


async def release(engine: Engine, request: KeyedRequest) -> None:
    """Free the key: there is no response worth storing. Raises Unavailable."""
    await engine.db.write(request.tenant_id, rows.release, request.slot)


def _is_abandoned(found: IdempotencyRecord, now: int, runner: str) -> bool:
    """Whether the first call will never respond. Of its own calls a process knows that: it claims
    only for those that it does not run."""
    if found.status is not None:
        return False
    return now - found.claimed_at > CLAIM_TIMEOUT or (runner != "" and found.headers == runner)


def _in_flight() -> Conflict:
    return Conflict("in_flight", "the first call under this key is running")


def _columns(request: KeyedRequest, response: StoredResponse) -> tuple[int, str | None, bytes]:
    complete = response.headers is not None
    content = response.content if complete else response.created.encode()
    return response.status, response.headers, request.encryption().encrypt(content)


def _response(found: IdempotencyRecord, request: KeyedRequest) -> StoredResponse:
    assert found.status is not None
    content = request.encryption().decrypt(bytes(found.content or b""))
    if found.headers is None:
        return StoredResponse(found.status, None, created=content.decode())
    return StoredResponse(found.status, found.headers, content)
