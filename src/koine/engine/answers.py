"""Idempotency-Key: the first answer under a key is every later call's answer, for a day.

contracts/README.md: scope is tenant, caller, method and path; while the first runs, Conflict; with
another payload, KeyReused.

An answer may hold what people wrote, and a payload a password. Both are kept under the key itself,
which is not kept: a conversation that is deleted for good leaves nothing here that can be read.
"""

import hashlib

from msgspec import Struct, structs

from koine.engine.engine import Engine, writes
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


class Asked(Struct, frozen=True):
    """A call that asks for its key, with the digest of its payload."""

    actor: Actor
    request: str
    key: str
    digest: str

    @property
    def scope(self) -> tuple[Actor, str, str]:
        """Whose key it is, and for what."""
        return self.actor, self.request, self.key


class Answered(Struct, frozen=True):
    """The first answer under a key: status, headers as JSON text, body; with the digest of its
    payload where nobody took the key before. Without headers the answer itself is not kept, and
    `body` is what names what was made."""

    actor: Actor
    request: str
    key: str
    status: int
    headers: str | None
    body: bytes
    digest: str = ""

    @property
    def scope(self) -> tuple[Actor, str, str]:
        """Whose key it is, and for what."""
        return self.actor, self.request, self.key


@writes
async def begin(
    tx: Tx, now: int, actor: Actor, request: str, key: str, call: Call
) -> KeptAnswer | None:
    """Take the key for a call that now runs (None), or give the answer kept under it.

    Raises Conflict("in_flight") while the first is running, KeyReused for another payload.
    """
    runner = call.runner
    slot, secret = _slot(actor, request, key), _secret(actor, request, key)
    digest = _digest(actor, request, key, call.digest)
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


async def begin_many(engine: Engine, asked: list[Asked], runner: str) -> list[bool]:
    """Take the keys that nobody has used, in one transaction; of the others `begin` knows more.
    No two may be for the same key. Raises Unavailable."""
    wanted = [(a.actor.tenant_id, _slot(*a.scope), _digest(*a.scope, a.digest)) for a in asked]
    taken = await engine.db.write("", answers.take_many, wanted, engine.clock.now(), runner)
    return [(tenant_id, slot) in taken for tenant_id, slot, _ in wanted]


async def keep_many(engine: Engine, made: list[Answered]) -> None:
    """Keep first answers, in one transaction. No two may be to the same key. Raises Unavailable."""
    rows = [
        (
            each.actor.tenant_id,
            _slot(*each.scope),
            each.status,
            each.headers,
            Sealed(_secret(*each.scope)).seal(each.body),
        )
        for each in made
    ]
    await engine.db.write("", answers.keep_many, rows)


async def look_many(engine: Engine, asked: list[Asked]) -> list[KeptAnswer | None]:
    """What is kept under each of these keys, still sealed; the keys are not taken. Raises
    Unavailable."""
    sought = [(a.actor.tenant_id, _slot(*a.scope)) for a in asked]
    found = await engine.db.read("", answers.get_many, sought)
    return [found.get(each) for each in sought]


def told(found: KeptAnswer | None, asked: Asked, now: int) -> KeptAnswer | None:
    """The answer to give again, of what `look_many` found; None when the call is to run.

    Raises Conflict("in_flight") while another process runs the first, KeyReused for another
    payload.
    """
    if found is None or now - found.taken_at > KEPT:
        return None
    if found.status is None:
        if now - found.taken_at > LEFT_BEHIND:
            return None
        raise Conflict("in_flight", "the first call under this key is running")
    if found.digest != _digest(*asked.scope, asked.digest):
        raise KeyReused
    opened = Sealed(_secret(*asked.scope)).open(bytes(found.content or b""))
    return structs.replace(found, content=opened)


async def leave_many(engine: Engine, made: list[Answered]) -> None:
    """Keep first answers under keys that nobody took, in one transaction. Raises Unavailable."""
    now = engine.clock.now()
    rows = [
        (
            each.actor.tenant_id,
            _slot(*each.scope),
            _digest(*each.scope, each.digest),
            now,
            each.status,
            each.headers,
            Sealed(_secret(*each.scope)).seal(each.body),
        )
        for each in made
    ]
    await engine.db.write("", answers.leave_many, rows)


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


def _digest(actor: Actor, request: str, key: str, payload: str) -> str:
    return tokens.hmac_hex(_secret(actor, request, key), payload)


def _scope(actor: Actor, request: str, key: str) -> str:
    return "\0".join((actor.caller, request, key))
