"""Every end of a credential closes its open streams, on every node."""

from collections.abc import Awaitable, Callable

import pytest

from koine.engine import offboarding, tenant_suspension
from koine.engine.auth import api_keys, credentials, sessions
from koine.engine.auth.sessions import LoggedIn
from koine.engine.core.engine import Engine, open_engine
from koine.engine.people import accounts, directory
from koine.engine.people.directory import PersonChanges
from koine.event_log import log_reader
from koine.model.actor import Actor, operator
from koine.model.errors import Unauthenticated
from koine.model.permissions import READ_CONVERSATIONS
from tests.cast import PASSWORD, Cast
from tests.realtime.plain_encoder import PlainReader, realtime_of
from tests.realtime.test_reauth import reason_of

READ = frozenset({READ_CONVERSATIONS})
End = Callable[[Cast, LoggedIn], Awaitable[object]]


class Bearer(PlainReader):
    """A reader with a token or key, which a node checks with its own engine."""

    def __init__(self, engine: Engine, actor: Actor, text: str) -> None:
        super().__init__(actor)
        self._engine = engine
        self._text = text

    async def authenticate(self) -> Actor:
        find = credentials.by_key if self._text.startswith("sk_") else credentials.by_token
        return await find(self._engine, self._text)


@pytest.fixture(autouse=True)
def short_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing wakes the first node's reader: the database has one `after_commit`."""
    monkeypatch.setattr(log_reader, "POLL_SECONDS", 0.05)


async def closed_everywhere(cast: Cast, text: str, end: Callable[[], Awaitable[object]]) -> None:
    """Whether what ends on one node closes the credential's subscriber there and on another."""
    other = await open_engine(
        cast.engine.db, cast.clock, cast.engine.settings, cast.engine.webhook_formats
    )
    async with realtime_of(cast.engine) as here, realtime_of(other) as there:
        subscribers = []
        for engine, realtime in ((cast.engine, here), (other, there)):
            reader = Bearer(engine, operator(""), text)
            reader.actor = await reader.authenticate()
            subscribers.append(await realtime.connect(reader, None))
        await end()
        assert [await reason_of(subscriber) for subscriber in subscribers] == ["revoked", "revoked"]


async def reuse(cast: Cast, found: LoggedIn) -> None:
    await sessions.refresh(cast.engine, found.refresh_token)
    with pytest.raises(Unauthenticated):
        await sessions.refresh(cast.engine, found.refresh_token)


def change(changes: PersonChanges) -> End:
    return lambda cast, _: directory.change(
        cast.engine, cast.acme.actor("ada"), cast.acme.id("dan"), "user", changes
    )


ENDS: dict[str, End] = {
    "reuse": reuse,
    "logout": lambda cast, found: sessions.log_out(cast.engine, found.refresh_token),
    "password": lambda cast, _: accounts.change_own_password(
        cast.engine, cast.acme.actor("dan"), PASSWORD, "another long password"
    ),
    "blocked": change(PersonChanges(blocked=True)),
    "email": change(PersonChanges(email=None)),
    "removed": lambda cast, _: offboarding.remove(
        cast.engine, cast.acme.actor("ada"), cast.acme.id("dan"), "user"
    ),
    "suspended": lambda cast, _: tenant_suspension.suspend(
        cast.engine, operator(cast.acme.tenant.id)
    ),
}


@pytest.mark.parametrize("how", ENDS)
async def test_a_session_that_ends_closes_its_streams_on_every_node(cast: Cast, how: str) -> None:
    dan = cast.acme.people["dan"]
    await sessions.set_password(cast.engine, operator(cast.acme.tenant.id), dan.id, PASSWORD)
    found = await sessions.log_in(cast.engine, str(dan.email), PASSWORD)
    await closed_everywhere(cast, found.access_token, lambda: ENDS[how](cast, found))


@pytest.mark.parametrize("how", ["revoked", "blocked", "removed"])
async def test_a_key_closes_its_streams_with_the_one_that_made_it(cast: Cast, how: str) -> None:
    admin, ada, dan = operator(cast.acme.tenant.id), cast.acme.actor("ada"), cast.acme.id("dan")
    manage = PersonChanges(permissions='["manage:tenant", "read:conversations"]')
    await directory.change(cast.engine, admin, dan, "user", manage)
    maker = Actor(admin.tenant_id, "user", dan, "driver", READ | {"manage:tenant"})
    first = await api_keys.create(cast.engine, maker, "first", maker.permissions)
    maker = await credentials.by_key(cast.engine, first.text)
    made = await api_keys.create(cast.engine, maker, "k", READ, user_id=cast.acme.id("cleo"))
    ends: dict[str, Callable[[], Awaitable[object]]] = {
        "revoked": lambda: api_keys.revoke(cast.engine, ada, first.key.id),
        "blocked": lambda: directory.change(
            cast.engine, ada, dan, "user", PersonChanges(blocked=True)
        ),
        "removed": lambda: offboarding.remove(cast.engine, ada, dan, "user"),
    }
    await closed_everywhere(cast, made.text, ends[how])
