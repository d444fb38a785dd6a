"""Users together with their passwords, created or changed in one transaction."""

from collections.abc import Awaitable, Callable

from koine.engine.auth import access, sessions
from koine.engine.auth.sessions import HashedPassword
from koine.engine.core.engine import Engine
from koine.engine.core.operations import rights_write_tx, write_tx
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.engine.verification import passwords
from koine.kit import metrics
from koine.model.actor import Actor
from koine.model.errors import Conflict, Forbidden, Invalid
from koine.model.identity import Identity, NewIdentity
from koine.model.permissions import MANAGE_TENANT
from koine.store.auth import credentials
from koine.store.core.db import Duplicate, Tx

FollowUp = Callable[[Tx, int, Actor, Identity], Awaitable[None]]
"""What else a change does to the changed user: a part of the same transaction."""


async def nothing_tx(tx: Tx, now: int, actor: Actor, user: Identity) -> None:
    """Do nothing else: the default."""


async def create(engine: Engine, actor: Actor, new: NewIdentity, password: str | None) -> Identity:
    """Add a user who can log in when a password is given. Raises Forbidden, Invalid,
    Conflict("exists") for the e-mail of another login."""
    access.require(actor, MANAGE_TENANT)
    hashed = None if password is None else await sessions.hash_checked(engine, password)
    try:
        return await _create(engine, actor, new, hashed)
    except Duplicate:
        raise _refuse_duplicates() from None


async def change(
    engine: Engine,
    actor: Actor,
    user_id: str,
    changes: PersonChanges,
    password: str | None,
    *,
    then_tx: FollowUp = nothing_tx,
) -> Identity:
    """Change a user, and the password when one is given, which ends their sessions; `then_tx` is
    called in the transaction of the change. Raises Forbidden, NotFound("user"), Invalid,
    Conflict("exists")."""
    access.require(actor, MANAGE_TENANT)
    hashed = None if password is None else await sessions.hash_checked(engine, password)
    try:
        return await _change(engine, actor, user_id, changes, hashed, then_tx=then_tx)
    except Duplicate:
        raise _refuse_duplicates() from None


async def change_own_password(engine: Engine, actor: Actor, current: str, password: str) -> None:
    """Replace the actor's password, which it has to know; all of its sessions end.

    Raises Forbidden for anyone but a user, Invalid("current_password" | "password").
    """
    if actor.kind != "user" or actor.identity_id is None:
        raise Forbidden("user")
    login = await engine.db.read(actor.tenant_id, credentials.get_login, actor.identity_id)
    known = login.password_hash if login else passwords.DUMMY_HASH
    right = await engine.password_pool.run(passwords.verify_password, known, current)
    if login is None or not right:
        if login is not None:
            await sessions.record_failed_login(
                engine, actor.tenant_id, login.user_id, actor.address
            )
        metrics.FAILED_LOGINS.labels("wrong_password").inc()
        raise Invalid("current_password", "wrong", "current_password is not the password")
    await sessions.set_password(engine, actor, actor.identity_id, password)


@write_tx
async def _create(
    tx: Tx, now: int, actor: Actor, new: NewIdentity, hashed: HashedPassword | None
) -> Identity:
    user = await directory.create_tx(tx, now, actor, new)
    if hashed is not None:
        await sessions.save_password_tx(tx, now, actor, user, hashed)
    return user


@rights_write_tx
async def _change(
    tx: Tx,
    now: int,
    actor: Actor,
    user_id: str,
    changes: PersonChanges,
    hashed: HashedPassword | None,
    *,
    then_tx: FollowUp,
) -> Identity:
    user = await directory.change_tx(tx, now, actor, user_id, "user", changes)
    if hashed is not None:
        await sessions.save_password_tx(tx, now, actor, user, hashed)
    await then_tx(tx, now, actor, user)
    return user


def _refuse_duplicates() -> Conflict:
    return Conflict("exists", "another user logs in with this e-mail")
