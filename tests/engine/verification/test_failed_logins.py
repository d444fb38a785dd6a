"""Logins, failed logins and logouts in the audit log, which unknown callers cannot fill."""

import msgspec
import pytest

from koine.engine import audit_log
from koine.engine.auth import sessions
from koine.engine.maintenance import maintenance
from koine.engine.people import accounts
from koine.engine.verification.failed_logins import SUMMARY_INTERVAL
from koine.kit.times import DAY, HOUR, SECOND
from koine.model.actor import at_address, operator
from koine.model.audit import AuditEntry
from koine.model.errors import Invalid, Unauthenticated
from koine.model.page import Window
from tests.cast import PASSWORD, Cast

FROM = "192.0.2.7"


@pytest.fixture
def cast_settings() -> dict[str, object]:
    return {"audit_failed_logins_per_hour": 2}


@pytest.fixture
async def cast(cast: Cast) -> Cast:
    """Three of the cast have a password."""
    for name in ("dan", "dora", "alice"):
        operator_actor, person = operator(cast.acme.tenant.id), cast.acme.id(name)
        await sessions.set_password(cast.engine, operator_actor, person, PASSWORD)
    return cast


async def entries(cast: Cast, action: str) -> list[AuditEntry]:
    """Acme's entries of an action, newest first."""
    page = await audit_log.find_page(cast.engine, cast.acme.actor("ada"), None, action, Window(100))
    return page.items


def detail_of(entry: AuditEntry) -> dict[str, object]:
    found: dict[str, object] = msgspec.json.decode(entry.detail)
    return found


async def fail(cast: Cast, name: str = "dan", times: int = 1) -> None:
    email = str(cast.acme.people[name].email)
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            await sessions.log_in(cast.engine, email, "wrong", address=FROM)


async def test_a_login_a_logout_and_a_reuse_are_in_the_audit_log(cast: Cast) -> None:
    dan = cast.acme.people["dan"]
    found = await sessions.log_in(cast.engine, str(dan.email), PASSWORD, address=FROM)
    (entry,) = await entries(cast, "log_in")
    assert (entry.actor_kind, entry.actor_id, entry.noun) == ("user", dan.id, "session")
    assert (entry.address, detail_of(entry)) == (FROM, {})
    second = await sessions.refresh(cast.engine, found.refresh_token)
    await sessions.log_out(cast.engine, second.refresh_token, address=FROM)
    (left,) = await entries(cast, "log_out")
    assert (left.noun_id, left.address) == (entry.noun_id, FROM)
    again = await sessions.log_in(cast.engine, str(dan.email), PASSWORD)
    await sessions.refresh(cast.engine, again.refresh_token)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await sessions.refresh(cast.engine, again.refresh_token, address=FROM)
    (reused,) = await entries(cast, "reuse_refresh_token")
    assert (reused.actor_kind, reused.address) == ("anonymous", FROM)
    assert detail_of(reused) == {"user": dan.id}


async def test_failed_logins_are_summed_up_in_few_entries(cast: Cast) -> None:
    await fail(cast, times=5)
    (first,) = await entries(cast, "fail_log_in")
    assert (first.noun, first.noun_id, first.actor_id) == ("user", cast.acme.id("dan"), None)
    assert (first.address, detail_of(first)) == (FROM, {"count": 1})
    cast.clock.advance(seconds=SUMMARY_INTERVAL // SECOND)
    await fail(cast)
    newest, _ = await entries(cast, "fail_log_in")
    assert detail_of(newest)["count"] == 5


async def test_a_login_entry_has_the_failures_that_no_entry_had(cast: Cast) -> None:
    await fail(cast, times=3)
    await sessions.log_in(cast.engine, str(cast.acme.people["dan"].email), PASSWORD)
    (entry,) = await entries(cast, "log_in")
    assert detail_of(entry)["failed_before"] == 2


async def test_a_tenant_gets_only_so_many_entries_an_hour(cast: Cast) -> None:
    for name in ("dan", "dora", "alice"):
        await fail(cast, name)
    assert len(await entries(cast, "fail_log_in")) == 2
    cast.clock.advance(seconds=HOUR // SECOND)
    await fail(cast, "alice")
    newest = (await entries(cast, "fail_log_in"))[0]
    assert (newest.noun_id, detail_of(newest)["count"]) == (cast.acme.id("alice"), 2)


async def test_an_unknown_email_leaves_no_entry(cast: Cast) -> None:
    with pytest.raises(Unauthenticated):
        await sessions.log_in(cast.engine, "nobody@nowhere.test", "wrong")
    assert await entries(cast, "fail_log_in") == []


async def test_a_wrong_current_password_counts_as_a_failure(cast: Cast) -> None:
    dan = at_address(cast.acme.actor("dan"), FROM)
    with pytest.raises(Invalid):
        await accounts.change_own_password(cast.engine, dan, "wrong", PASSWORD)
    (entry,) = await entries(cast, "fail_log_in")
    assert (entry.noun_id, entry.address) == (cast.acme.id("dan"), FROM)


async def test_entries_about_unknown_callers_expire_and_no_others(cast: Cast) -> None:
    await fail(cast)
    await sessions.log_in(cast.engine, str(cast.acme.people["dora"].email), PASSWORD)
    days = cast.engine.settings.audit_failed_logins_days
    for passed, left in ((days, 1), (1, 0)):
        cast.clock.advance(seconds=passed * DAY // SECOND)
        await maintenance.run_once(cast.engine)
        assert len(await entries(cast, "fail_log_in")) == left
    assert len(await entries(cast, "log_in")) == 1
