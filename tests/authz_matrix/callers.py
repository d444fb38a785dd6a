"""The callers of the matrix: every kind of credential, valid and invalid."""

import base64
import json

from msgspec import Struct

from koine.engine import offboarding
from koine.engine.auth import api_keys, sessions
from koine.engine.core.engine import ISSUER
from koine.engine.people import directory
from koine.engine.verification.jwt import TokenSigner
from koine.kit.times import SECOND
from koine.kit.tokens import new_api_key
from koine.model.actor import operator
from koine.model.identity import NewIdentity
from koine.model.permissions import WRITE_CONVERSATIONS
from tests.cast import Cast

USERS = ("ada", "alice", "dora", "dan", "cleo", "olaf")


class Caller(Struct):
    """A caller and its credential. `kind` is the kind of credential; `column` is the column of the
    expectations; `query` is added to every URL and `path` fills its parameters; `aliases` replaces
    the names of the caller's own targets.
    """

    name: str
    kind: str
    column: str
    headers: dict[str, str]
    company: str = "acme"
    query: str = ""
    path: dict[str, str] = {}
    aliases: dict[str, str] = {}


def bearer(text: str) -> dict[str, str]:
    """The header that most dialects read."""
    return {"Authorization": f"Bearer {text}"}


async def callers(cast: Cast) -> list[Caller]:
    """All callers, with valid and invalid credentials."""
    users = [Caller(who, "token", who, cast.bearer(who)) for who in USERS]
    rivals = [
        Caller(f"rival's {who}", "token", who, cast.bearer(who, "rival"), "rival")
        for who in ("ada", "dan")
    ]
    rivals.append(Caller("rival's key", "key", "key", bearer(cast.rival.key), "rival"))
    return users + rivals + await _keys(cast) + _systems(cast) + await _bad(cast)


async def _keys(cast: Cast) -> list[Caller]:
    acme = cast.acme
    admin = operator(acme.tenant.id)
    rights = frozenset({WRITE_CONVERSATIONS})
    write = await api_keys.create(cast.engine, admin, "write", rights, user_id=acme.id("alice"))
    return [
        Caller("key", "key", "key", bearer(acme.key)),
        Caller("key in its own header", "key header", "key", {"X-API-Key": acme.key}),
        Caller("read-only key", "key", "read", bearer(acme.read_only_key)),
        Caller("write-only key", "key", "write", bearer(write.text)),
    ]


def _systems(cast: Cast) -> list[Caller]:
    headers = bearer(sessions.system_admin_token(cast.engine, 3600))
    ada = cast.bearer("ada")
    rival = f"tenant_id={cast.rival.tenant.id}"
    return [
        Caller("system admin in no tenant", "homeless", "system", headers),
        Caller(
            "system admin", "system", "system", headers, query=f"tenant_id={cast.acme.tenant.id}"
        ),
        Caller("admin naming the rival", "misnamed", "ada", ada, query=rival),
    ]


async def _bad(cast: Cast) -> list[Caller]:
    """Callers whose credentials every dialect refuses."""
    token, admin = cast.token("ada"), operator(cast.acme.tenant.id)
    engine, who = cast.engine, cast.acme.id("alice")
    now = engine.clock.now()
    revoked = await api_keys.create(engine, admin, "old", frozenset(), user_id=who)
    await api_keys.revoke(engine, admin, revoked.key.id)
    expired = await api_keys.create(
        engine, admin, "short", frozenset(), user_id=who, expires_at=now + SECOND
    )
    cast.clock.advance(seconds=2)
    credentials = {
        "an empty bearer": "",
        "garbage": "garbage",
        "a tampered token": _tampered(token),
        "an expired token": cast.token("ada", ttl_s=-7200),
        "an unsigned token": _unsigned(token),
        "a foreign token": _foreign(cast),
        "a removed user's token": await _removed(cast),
        "a blocked user's token": await _blocked(cast),
        "a revoked key": revoked.text,
        "an expired key": expired.text,
        "an unknown key": new_api_key().text,
        "half a key": cast.acme.key[:-4],
    }
    found = [Caller(name, "bad", "nobody", bearer(text)) for name, text in credentials.items()]
    basic = {"Authorization": "Basic " + base64.b64encode(b"ada:secret").decode()}
    return [
        Caller("nobody", "bad", "nobody", {}),
        Caller("another scheme", "bad", "nobody", basic),
        *found,
    ]


def _tampered(token: str) -> str:
    """Ada's token with its claims changed, so that the signature does not match."""
    head, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return ".".join((head, encoded(claims | {"is_system_admin": True}), signature))


def _unsigned(token: str) -> str:
    return ".".join((encoded({"alg": "none", "typ": "JWT"}), token.split(".")[1], ""))


def encoded(value: object) -> str:
    """One segment of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _foreign(cast: Cast) -> str:
    signer = TokenSigner("x" * 48, ISSUER, ISSUER, cast.engine.clock)
    acme = cast.acme
    return signer.sign({"sub": acme.id("ada"), "tenant_id": acme.tenant.id}, 3600)


async def _removed(cast: Cast) -> str:
    person = await _newcomer(cast, "gone")
    token = sessions.access_token(cast.engine, cast.acme.tenant.id, cast.acme.people["gone"], 3600)
    await offboarding.remove(cast.engine, operator(cast.acme.tenant.id), person, "user")
    return token


async def _blocked(cast: Cast) -> str:
    person = await _newcomer(cast, "shut")
    token = sessions.access_token(cast.engine, cast.acme.tenant.id, cast.acme.people["shut"], 3600)
    changes = directory.PersonChanges(blocked=True)
    await directory.change(cast.engine, operator(cast.acme.tenant.id), person, "user", changes)
    return token


async def _newcomer(cast: Cast, name: str) -> str:
    new = NewIdentity(kind="user", name=name, role="tenant_admin")
    cast.acme.people[name] = await directory.create(cast.engine, operator(cast.acme.tenant.id), new)
    return cast.acme.id(name)
