"""Idempotency-Key: the first answer under a key is every later call's answer, for a day.

contracts/README.md: scope is tenant, caller, method and path; while the first runs, Conflict; with
another payload, KeyReused.

An answer may hold what people wrote, and a payload a password. Both are kept under the key itself,
which is not kept: a conversation that is deleted for good leaves nothing here that can be read.
"""

import hashlib

from msgspec import Struct, structs

from koine.engine.engine import writes
from koine.kit import tokens
from koine.kit.sealed import Sealed
from koine.kit.times import DAY, SECOND
from koine.model.actor import Actor
from koine.model.errors import Conflict, Invalid
from koine.store import answers
from koine.store.answers import KeptAnswer
from koine.store.db import Tx

KEPT = DAY
"""How long an answer is given again, µs."""
LEFT_BEHIND = 60 * SECOND
"""A slot whose first call has not answered after this is that of a process that died, µs."""


class KeyReused(Invalid):
    """The key came before with another payload. The answer is a 422 in every dialect."""

    def __init__(self) -> None:
        super().__init__("Idempotency-Key", "was used before with another payload")


class Call(Struct, frozen=True):
    """A call that asks for its key: the digest of its payload, and the process that would run it
    ("" for one that does not say)."""

    digest: str
    runner: str = ""


@writes
async def begin(
    tx: Tx, now: int, actor: Actor, request: str, key: str, call: Call
) -> KeptAnswer | None:
    """Take the key for a call that now runs (None), or give the answer kept under it.

    Raises Conflict("in_flight") while the first is running, KeyReused for another payload.
    """
    runner = call.runner
    slot, secret = _slot(actor, request, key), _secret(actor, request, key)
    digest = tokens.hmac_hex(secret, call.digest)
    if await answers.take(tx, slot, digest, now, runner):
        return None
    found = await answers.get(tx, slot)
    if found is None:
        raise Conflict("in_flight", "the first call under this key is running")
    if now - found.taken_at > KEPT or _left_behind(found, now, runner):
        if await answers.take_over(tx, found, digest, now, runner):
            return None
        raise Conflict("in_flight", "the first call under this key is running")
    if found.digest != digest:
        raise KeyReused
    if found.status is None:
        raise Conflict("in_flight", "the first call under this key is running")
    return structs.replace(found, content=Sealed(secret).open(bytes(found.content or b"")))


@writes
async def keep(
    tx: Tx, now: int, actor: Actor, request: str, key: str, answer: tuple[int, str, bytes]
) -> None:
    """Keep the first answer: status, headers as JSON text, body."""
    status, headers, body = answer
    sealed = Sealed(_secret(actor, request, key)).seal(body)
    await answers.keep(tx, _slot(actor, request, key), status, headers, sealed)


@writes
async def drop(tx: Tx, now: int, actor: Actor, request: str, key: str) -> None:
    """Free the key: there is no answer worth keeping."""
    await answers.drop(tx, _slot(actor, request, key))


def _left_behind(found: KeptAnswer, now: int, runner: str) -> bool:
    """Whether the first call will never answer. Of its own calls a process knows that: it asks
    only for those that it does not run."""
    if found.status is not None:
        return False
    return now - found.taken_at > LEFT_BEHIND or (runner != "" and found.headers == runner)


def _slot(actor: Actor, request: str, key: str) -> str:
    return hashlib.sha256(_scope(actor, request, key).encode()).hexdigest()


def _secret(actor: Actor, request: str, key: str) -> str:
    return tokens.digest(f"answer\0{_scope(actor, request, key)}")


def _scope(actor: Actor, request: str, key: str) -> str:
    caller = actor.key_id or actor.identity_id or actor.kind
    return "\0".join((caller, request, key))
