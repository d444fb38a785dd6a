"""Logins and their tokens, without HTTP (see also tests/dialects/native/test_session.py)."""

import asyncio

import pytest

from koine.engine import offboarding
from koine.engine.auth import credentials, sessions
from koine.engine.core.engine import open_engine
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.kit import metrics
from koine.kit.settings import load
from koine.kit.times import DAY, SECOND
from koine.model.actor import operator
from koine.model.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from koine.model.identity import NewIdentity
from koine.store.auth import credentials as rows
from koine.store.core.db import Database, Tx
from tests.cast import PASSWORD, Cast, make_cast


async def logged_in(cast: Cast, name: str = "dan") -> sessions.LoggedIn:
    operator_actor, person = operator(cast.acme.tenant.id), cast.acme.people[name]
    await sessions.set_password(cast.engine, operator_actor, person.id, PASSWORD)
    return await sessions.log_in(cast.engine, str(person.email), PASSWORD)


async def test_a_short_password_is_refused(cast: Cast) -> None:
    with pytest.raises(Invalid):
        await sessions.set_password(
            cast.engine, cast.acme.actor("ada"), cast.acme.id("dan"), "x" * 11
        )


async def test_a_user_without_email_gets_no_password(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    user = await directory.create(cast.engine, ada, NewIdentity(kind="user", name="x"))
    with pytest.raises(Invalid):
        await sessions.set_password(cast.engine, ada, user.id, PASSWORD)


async def test_contacts_and_unknown_users_get_no_password(cast: Cast) -> None:
    for name in (cast.acme.id("carol"), cast.rival.id("dan")):
        with pytest.raises(NotFound):
            await sessions.set_password(cast.engine, cast.acme.actor("ada"), name, PASSWORD)


async def test_only_managers_set_the_passwords_of_others(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        await sessions.set_password(
            cast.engine, cast.acme.actor("alice"), cast.acme.id("dan"), PASSWORD
        )


async def test_a_taken_email_is_refused(cast: Cast) -> None:
    ada, dan = cast.acme.actor("ada"), cast.acme.people["dan"]
    await sessions.set_password(cast.engine, ada, dan.id, PASSWORD)
    twin = await directory.create(cast.engine, ada, NewIdentity(kind="user", email=dan.email))
    with pytest.raises(Conflict):
        await sessions.set_password(cast.engine, ada, twin.id, PASSWORD)


async def test_a_password_waits_for_a_change_of_its_user(postgres_db: Database) -> None:
    cast = await make_cast(postgres_db, None)
    ada, dan = cast.acme.actor("ada"), cast.acme.people["dan"]
    hashed, new_email = await sessions.hash_checked(cast.engine, PASSWORD), f"new-{dan.email}"

    async def change_email(tx: Tx) -> asyncio.Task[None]:
        changes = PersonChanges(email=new_email)
        await directory.change_tx(tx, dan.updated_at + 1, ada, dan.id, "user", changes)
        setting = asyncio.create_task(sessions._set_password(cast.engine, ada, dan.id, hashed))
        await asyncio.wait([setting], timeout=0.5)
        return setting

    await (await postgres_db.write(cast.acme.tenant.id, change_email))
    login = await postgres_db.read(cast.acme.tenant.id, rows.get_login, dan.id)
    assert login is not None
    assert login.email == new_email


async def test_a_new_password_ends_every_session(cast: Cast) -> None:
    found = await logged_in(cast)
    await logged_in(cast)
    with pytest.raises(Unauthenticated):
        await sessions.refresh(cast.engine, found.refresh_token)
    with pytest.raises(Unauthenticated):
        await credentials.by_token(cast.engine, found.access_token)


@pytest.mark.parametrize("change", ["block", "remove"])
async def test_a_removed_user_neither_logs_in_nor_refreshes(cast: Cast, change: str) -> None:
    found, ada, dan = await logged_in(cast), cast.acme.actor("ada"), cast.acme.people["dan"]
    if change == "block":
        await directory.change(cast.engine, ada, dan.id, "user", PersonChanges(blocked=True))
    else:
        await offboarding.remove(cast.engine, ada, dan.id, "user")
    with pytest.raises(Unauthenticated):
        await sessions.log_in(cast.engine, str(dan.email), PASSWORD)
    with pytest.raises(Unauthenticated):
        await sessions.refresh(cast.engine, found.refresh_token)


async def test_a_session_expires(cast: Cast) -> None:
    found = await logged_in(cast)
    cast.clock.advance(seconds=cast.engine.settings.refresh_token_days * DAY // SECOND + 1)
    with pytest.raises(Unauthenticated):
        await sessions.refresh(cast.engine, found.refresh_token)


async def test_a_login_deletes_the_users_ended_sessions(cast: Cast) -> None:
    operator_actor, dan = operator(cast.acme.tenant.id), cast.acme.people["dan"]
    await sessions.set_password(cast.engine, operator_actor, dan.id, PASSWORD)
    ids = []
    for _ in range(3):
        found = await sessions.log_in(cast.engine, str(dan.email), PASSWORD)
        ids.append(found.refresh_token.split(".")[1])
        if len(ids) == 1:
            await sessions.log_out(cast.engine, found.refresh_token)
    kept = [
        await cast.engine.db.read(operator_actor.tenant_id, rows.get_session, each) for each in ids
    ]
    assert [each is not None for each in kept] == [False, True, True]


async def test_two_concurrent_refreshes_end_the_session(cast: Cast) -> None:
    found = await logged_in(cast)
    tries = [sessions.refresh(cast.engine, found.refresh_token) for _ in range(2)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    won = [each for each in outcomes if isinstance(each, sessions.LoggedIn)]
    assert len(won) == 1
    with pytest.raises(Unauthenticated):
        await sessions.refresh(cast.engine, won[0].refresh_token)


async def test_a_session_is_ended_by_its_newest_token_alone(cast: Cast) -> None:
    first = await logged_in(cast)
    second = await sessions.refresh(cast.engine, first.refresh_token)
    with pytest.raises(Unauthenticated):
        await sessions.log_out(cast.engine, first.refresh_token)
    await sessions.log_out(cast.engine, second.refresh_token)
    with pytest.raises(Unauthenticated):
        await sessions.refresh(cast.engine, second.refresh_token)


async def test_a_wrong_secret_with_a_known_session_ends_nothing(cast: Cast) -> None:
    found = await logged_in(cast)
    tenant_id, session_id, secret = found.refresh_token.split(".")
    other = (await logged_in_again(cast)).refresh_token.split(".")[2]
    for wrong in ("x", "x" * len(secret), secret[:-1], secret[::-1], other, "\ud800"):
        with pytest.raises(Unauthenticated):
            await sessions.refresh(cast.engine, f"{tenant_id}.{session_id}.{wrong}")
        with pytest.raises(Unauthenticated):
            await sessions.log_out(cast.engine, f"{tenant_id}.{session_id}.{wrong}")
    await credentials.by_token(cast.engine, found.access_token)
    await sessions.refresh(cast.engine, found.refresh_token)


async def test_any_token_that_was_used_before_ends_the_session(cast: Cast) -> None:
    first = await logged_in(cast)
    newest = first
    for _ in range(3):
        newest = await sessions.refresh(cast.engine, newest.refresh_token)
    await credentials.by_token(cast.engine, newest.access_token)
    with pytest.raises(Unauthenticated, match="revoked"):
        await sessions.refresh(cast.engine, first.refresh_token)
    with pytest.raises(Unauthenticated, match="revoked"):
        await credentials.by_token(cast.engine, newest.access_token)
    with pytest.raises(Unauthenticated):
        await sessions.refresh(cast.engine, newest.refresh_token)


async def test_tokens_of_an_older_key_are_valid_and_recognized(cast: Cast) -> None:
    first = await logged_in(cast)
    second = await sessions.refresh(cast.engine, first.refresh_token)
    settings = load({"KOINE_SECRET_KEY": "n" * 32})
    node = await open_engine(cast.engine.db, cast.clock, settings, cast.engine.webhook_formats)
    assert node.server_keys.secrets[0] == "n" * 32
    await credentials.by_token(node, second.access_token)
    third = await sessions.refresh(node, second.refresh_token)
    await credentials.by_token(node, third.access_token)
    with pytest.raises(Unauthenticated, match="invalid"):
        await credentials.by_token(cast.engine, third.access_token)
    with pytest.raises(Unauthenticated, match="revoked"):
        await sessions.refresh(node, first.refresh_token)
    with pytest.raises(Unauthenticated, match="revoked"):
        await sessions.refresh(node, third.refresh_token)


async def test_a_refresh_token_is_read_in_any_case_of_its_ids(cast: Cast) -> None:
    tenant_id, session_id, secret = (await logged_in(cast)).refresh_token.split(".")
    text = f"{tenant_id.upper()}.{session_id.upper()}.{secret}"
    await sessions.refresh(cast.engine, text)


async def test_a_blocked_users_sessions_stay_ended(cast: Cast) -> None:
    found, operator_actor, dan = (
        await logged_in(cast),
        operator(cast.acme.tenant.id),
        cast.acme.id("dan"),
    )
    for blocked in (True, False):
        changes = PersonChanges(blocked=blocked)
        await directory.change(cast.engine, operator_actor, dan, "user", changes)
    with pytest.raises(Unauthenticated):
        await credentials.by_token(cast.engine, found.access_token)


async def test_a_user_who_loses_its_login_loses_its_sessions(cast: Cast) -> None:
    found, operator_actor, dan = (
        await logged_in(cast),
        operator(cast.acme.tenant.id),
        cast.acme.id("dan"),
    )
    await directory.change(cast.engine, operator_actor, dan, "user", PersonChanges(email=None))
    with pytest.raises(Unauthenticated):
        await credentials.by_token(cast.engine, found.access_token)


async def logged_in_again(cast: Cast) -> sessions.LoggedIn:
    """Another session of Dan's."""
    return await sessions.log_in(cast.engine, str(cast.acme.people["dan"].email), PASSWORD)


async def test_logins_and_their_failures_are_counted_by_reason(cast: Cast) -> None:
    def counts() -> dict[str, float]:
        reasons = ("wrong_password", "unknown_email", "refresh_token", "reused_refresh_token")
        value = metrics.REGISTRY.get_sample_value
        return {"": value("koine_logins_total") or 0.0} | {
            reason: value("koine_failed_logins_total", {"reason": reason}) or 0.0
            for reason in reasons
        }

    before = counts()
    dan, email = await logged_in(cast), str(cast.acme.people["dan"].email)
    for tried, password in ((email, "another password"), ("no@acme.test", PASSWORD)):
        with pytest.raises(Unauthenticated):
            await sessions.log_in(cast.engine, tried, password)
    await sessions.refresh(cast.engine, dan.refresh_token)
    for _ in range(2):  # the first use of an old token ends the session
        with pytest.raises(Unauthenticated):
            await sessions.refresh(cast.engine, dan.refresh_token)
    assert {name: now - before[name] for name, now in counts().items()} == {
        "": 1, "wrong_password": 1, "unknown_email": 1, "refresh_token": 1,
        "reused_refresh_token": 1,
    }  # fmt: skip
