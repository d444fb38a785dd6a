"""A suspended tenant's credentials are refused, nothing of it is lost, and it can be resumed."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from koine.engine import audit_log, tenant_suspension
from koine.engine.auth import credentials, sessions
from koine.engine.contacts import callers
from koine.engine.conversations import files
from koine.engine.tenants import get as get_tenant
from koine.kit.times import DAY
from koine.model.actor import Actor, operator
from koine.model.errors import Conflict, Forbidden, NotFound, TenantSuspended, Unauthenticated
from koine.model.page import Window
from koine.store.conversations import files as file_rows
from tests.cast import PASSWORD, Cast, CastTenant
from tests.engine.conversations.test_files import Bytes


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path)}


def admin(cast: Cast) -> Actor:
    return operator(cast.acme.tenant.id)


async def suspended(cast: Cast) -> bool:
    return (await get_tenant(cast.engine, admin(cast))).suspended_at is not None


async def uses(cast: Cast, of: CastTenant) -> dict[str, Callable[[], Awaitable[object]]]:
    """A use of each kind of credential of a tenant; each works while the tenant is active."""
    engine, dan = cast.engine, of.people["dan"]
    await sessions.set_password(engine, operator(of.tenant.id), dan.id, PASSWORD)
    login = await sessions.log_in(engine, str(dan.email), PASSWORD)
    token = sessions.access_token(engine, of.tenant.id, dan, 3600)
    place = of.contact_inboxes["carol"]

    async def refresh() -> None:
        nonlocal login
        login = await sessions.refresh(engine, login.refresh_token)

    return {
        "key": lambda: credentials.by_key(engine, of.key),
        "token": lambda: credentials.by_token(engine, token),
        "session": lambda: credentials.by_token(engine, login.access_token),
        "refresh token": refresh,
        "password": lambda: sessions.log_in(engine, str(dan.email), PASSWORD),
        "inbox": lambda: callers.resolve(engine, of.inbox.identifier, None),
        "contact": lambda: callers.resolve(engine, of.inbox.identifier, place.source_id),
        "stream token": lambda: callers.resolve_stream_token(engine, place.pubsub_token),
    }


async def test_every_credential_is_refused_until_the_tenant_is_resumed(cast: Cast) -> None:
    mine, theirs = await uses(cast, cast.acme), await uses(cast, cast.rival)
    for use in mine.values():
        await use()
    await tenant_suspension.suspend(cast.engine, admin(cast), "unpaid")
    for name, use in mine.items():
        with pytest.raises(TenantSuspended):
            await use()
            pytest.fail(f"{name} was accepted")
    for use in theirs.values():
        await use()
    await tenant_suspension.resume(cast.engine, admin(cast))
    for use in mine.values():
        await use()


async def test_files_are_not_served_and_stay(cast: Cast) -> None:
    saved = await files.save(cast.engine, cast.acme.tenant.id, None, Bytes(b"x"))
    await files.open_by_key(cast.engine, saved.key)
    await tenant_suspension.suspend(cast.engine, admin(cast))
    with pytest.raises(NotFound):
        await files.open_by_key(cast.engine, saved.key)
    assert await cast.engine.db.read("", file_rows.known, [saved.key]) == [saved.key]
    await tenant_suspension.resume(cast.engine, admin(cast))
    await files.open_by_key(cast.engine, saved.key)


async def test_only_who_holds_a_credential_learns_of_the_suspension(cast: Cast) -> None:
    await tenant_suspension.suspend(cast.engine, admin(cast))
    with pytest.raises(Unauthenticated, match="invalid"):
        await credentials.by_key(cast.engine, cast.acme.key[:-1] + "!")
    with pytest.raises(Unauthenticated, match="invalid"):
        await sessions.log_in(cast.engine, str(cast.acme.people["dan"].email), "a wrong password")


async def test_the_system_administrator_still_enters_but_not_what_is_being_deleted(
    cast: Cast,
) -> None:
    token, tenant_id = sessions.system_admin_token(cast.engine, 30 * 86_400), cast.acme.tenant.id
    await tenant_suspension.schedule_deletion(cast.engine, admin(cast), 7 * DAY)
    assert (await credentials.by_token(cast.engine, token, tenant_id)).tenant_id == tenant_id
    cast.clock.advance(7 * 86_400)
    with pytest.raises(NotFound):
        await credentials.by_token(cast.engine, token, tenant_id)


async def test_only_the_operator_suspends_and_it_is_audited_with_the_reason(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        await tenant_suspension.suspend(cast.engine, cast.acme.actor("ada"))
    assert not await suspended(cast)
    await tenant_suspension.suspend(cast.engine, admin(cast), "unpaid")
    page = await audit_log.find_page(cast.engine, admin(cast), "tenant", "suspend", Window(1))
    assert (page.items[0].actor_kind, page.items[0].detail) == ("operator", '{"reason":"unpaid"}')


@pytest.mark.parametrize("was_suspended", [False, True])
async def test_a_deletion_that_is_taken_back_leaves_the_tenant_as_it_was(
    cast: Cast, was_suspended: bool
) -> None:
    if was_suspended:
        await tenant_suspension.suspend(cast.engine, admin(cast))
    await tenant_suspension.schedule_deletion(cast.engine, admin(cast), DAY)
    assert await suspended(cast)
    with pytest.raises(Conflict):
        await tenant_suspension.resume(cast.engine, admin(cast))
    await tenant_suspension.cancel_deletion(cast.engine, admin(cast))
    assert await suspended(cast) == was_suspended
    with pytest.raises(Conflict):
        await tenant_suspension.cancel_deletion(cast.engine, admin(cast))


async def test_a_tenant_suspended_while_its_deletion_waits_stays_suspended(cast: Cast) -> None:
    await tenant_suspension.schedule_deletion(cast.engine, admin(cast), DAY)
    await tenant_suspension.suspend(cast.engine, admin(cast))
    await tenant_suspension.cancel_deletion(cast.engine, admin(cast))
    assert await suspended(cast)


async def test_a_deletion_that_has_begun_is_not_taken_back(cast: Cast) -> None:
    await tenant_suspension.schedule_deletion(cast.engine, admin(cast), DAY)
    later = await tenant_suspension.schedule_deletion(cast.engine, admin(cast), 2 * DAY)
    cast.clock.advance(86_400)
    assert not later.is_being_deleted(cast.clock.now())
    cast.clock.advance(86_400)
    with pytest.raises(Conflict, match="has begun"):
        await tenant_suspension.cancel_deletion(cast.engine, admin(cast))
