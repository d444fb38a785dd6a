"""The demonstration on both databases: its data, and that it is created once."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from koine.demo import credentials as demo_credentials
from koine.demo.create import MIN_UNUSED_DELIVERIES, TOKEN_DAYS, demonstration
from koine.demo.credentials import DemoFile, DemoTenant
from koine.engine import tenants
from koine.engine.auth import credentials, sessions
from koine.engine.conversations import conversations, delivery_conversations
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.engine.core.engine import Engine, open_engine
from koine.kit.clock import FakeClock
from koine.kit.settings import load
from koine.kit.times import DAY, SECOND
from koine.model.actor import operator
from koine.model.conversation import STATUSES
from koine.model.errors import Conflict, NotFound, Unauthenticated
from koine.model.filters import ConversationFilter
from koine.model.page import Window
from koine.model.permissions import MANAGE_MESSAGING, VIEW_TENANT
from koine.store.core.db import Database
from tests.support import databases
from tests.support.shared_postgres import SharedPostgres

Folder = pytest.TempPathFactory


async def made(db: Database, folder: Path) -> Engine:
    settings = load({}, {"data_dir": str(folder)})
    engine = await open_engine(db, FakeClock(), settings, {})
    await demonstration(engine)
    return engine


@pytest.fixture(scope="module")
async def sqlite_demo(tmp_path_factory: Folder) -> AsyncIterator[Engine]:
    async with databases.sqlite(tmp_path_factory.mktemp("demo")) as db:
        yield await made(db, tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
async def postgres_demo(
    shared_postgres: SharedPostgres, tmp_path_factory: Folder
) -> AsyncIterator[Engine]:
    async with databases.postgres(shared_postgres) as db:
        yield await made(db, tmp_path_factory.mktemp("data"))


@pytest.fixture
def engine(backend: str, request: pytest.FixtureRequest) -> Engine:
    """The engine of a database with the demonstration, shared by the tests of this file."""
    shared: Engine = request.getfixturevalue(f"{backend}_demo")
    return shared


@pytest.fixture
async def kept(engine: Engine) -> DemoFile:
    return await demonstration(engine)


async def count(engine: Engine, company: DemoTenant, **conditions: object) -> int:
    f = ConversationFilter(**conditions)  # type: ignore[arg-type]  # the test names the fields
    operator_actor = operator(company.credentials.tenant_id)
    return (await conversations.find_page(engine, operator_actor, f, Window(limit=1))).total or 0


async def open_all(engine: Engine, company: DemoTenant) -> None:
    operator_actor = operator(company.credentials.tenant_id)
    for each in company.credentials.delivery.deliveries:
        await delivery_conversations.open_(
            engine, operator_actor, NewDeliveryConversation(delivery_id=each.id)
        )


async def test_the_demonstration_has_conversations_of_each_kind(
    engine: Engine, kept: DemoFile
) -> None:
    assert await count(engine, kept.demo) >= 120
    for status in STATUSES:
        assert status == "pending" or await count(engine, kept.demo, statuses=(status,)) > 5
    for channel in ("email", "phone", "widget", "whatsapp", "waha", "instagram", "api"):
        assert await count(engine, kept.demo, channel_types=(channel,)) > 5
    assert await count(engine, kept.rival) > 8


async def test_creating_it_again_changes_nothing(engine: Engine, kept: DemoFile) -> None:
    assert await demonstration(engine) == kept
    assert len(await tenants.list_all(engine)) == 2


async def test_its_people_have_the_roles_that_are_printed(engine: Engine, kept: DemoFile) -> None:
    tokens = kept.demo.credentials.delivery.tokens
    actors = {
        name: await credentials.by_token(engine, getattr(tokens, name))
        for name in tokens.__struct_fields__
    }
    assert {name: actor.role for name, actor in actors.items()} == {
        "admin": "tenant_admin", "dispatcher": "dispatcher", "driver": "driver",
        "customer": None, "outsider": None,
    }  # fmt: skip
    assert {VIEW_TENANT, MANAGE_MESSAGING} <= actors["admin"].permissions
    assert {actor.tenant_id for actor in actors.values()} == {kept.demo.credentials.tenant_id}


async def test_the_outsider_sees_nothing(engine: Engine, kept: DemoFile) -> None:
    outsider = await credentials.by_token(engine, kept.demo.credentials.delivery.tokens.outsider)
    mine = await conversations.find_page(engine, outsider, ConversationFilter(), Window(limit=1))
    assert mine.total == 0
    with pytest.raises(NotFound):
        await conversations.get(engine, outsider, kept.demo.examples.delivery)


@pytest.mark.parametrize("who", ["driver", "customer"])
async def test_listed_deliveries_are_the_drivers_and_the_customers(
    engine: Engine, kept: DemoFile, who: str
) -> None:
    delivery = kept.demo.credentials.delivery
    actor = await credentials.by_token(engine, getattr(delivery.tokens, who))
    for each in delivery.deliveries[:3]:
        made, is_new = await delivery_conversations.open_(
            engine, actor, NewDeliveryConversation(delivery_id=each.id)
        )
        assert is_new
        assert made.title == f"#{each.external_reference_id} - {each.customer_name}"


async def test_listed_deliveries_never_have_a_conversation(engine: Engine, kept: DemoFile) -> None:
    before = {each.id for each in kept.demo.credentials.delivery.deliveries}
    await open_all(engine, kept.demo)
    after = (await demonstration(engine)).demo.credentials.delivery.deliveries
    assert len(after) >= MIN_UNUSED_DELIVERIES and before.isdisjoint(each.id for each in after)


async def test_deleted_example_conversations_are_replaced(engine: Engine, kept: DemoFile) -> None:
    operator_actor = operator(kept.demo.credentials.tenant_id)
    await conversations.delete(engine, operator_actor, kept.demo.examples.helpdesk, None)
    await conversations.remove(engine, operator_actor, kept.demo.examples.chats)
    examples = (await demonstration(engine)).demo.examples
    for conversation_id in (examples.helpdesk, examples.chats):
        await conversations.get(engine, operator_actor, conversation_id)


async def test_tokens_are_replaced_before_they_expire(engine: Engine, kept: DemoFile) -> None:
    assert isinstance(engine.clock, FakeClock)
    engine.clock.advance((TOKEN_DAYS * DAY - 60 * SECOND) / SECOND)
    token = (await demonstration(engine)).demo.credentials.delivery.tokens.admin
    engine.clock.advance(2 * DAY / SECOND)
    await credentials.by_token(engine, token)
    with pytest.raises(Unauthenticated):
        await credentials.by_token(engine, kept.demo.credentials.delivery.tokens.admin)


@pytest.mark.parametrize("name", ["demo", "rival"])
async def test_keys_and_logins_open_their_tenant(engine: Engine, kept: DemoFile, name: str) -> None:
    company: DemoTenant = getattr(kept, name)
    into = company.credentials
    for key in (into.helpdesk.api_key, into.helpdesk.read_only_key, into.chats.api_key):
        assert (await credentials.by_key(engine, key)).tenant_id == into.tenant_id
    logged_in = await sessions.log_in(engine, into.native.email, into.native.password)
    assert logged_in.tenant_id == into.tenant_id


async def test_without_its_file_it_is_not_created_twice(engine: Engine, kept: DemoFile) -> None:
    path = Path(engine.settings.data_dir) / demo_credentials.FILE
    path.unlink()
    with pytest.raises(Conflict):
        await demonstration(engine)
    demo_credentials.write(path, kept)


async def test_the_file_of_another_database_is_ignored(engine: Engine, kept: DemoFile) -> None:
    path = Path(engine.settings.data_dir) / demo_credentials.FILE
    demo_credentials.write(
        path, demo_credentials.DemoFile(1, _elsewhere(kept.demo), _elsewhere(kept.rival))
    )
    with pytest.raises(Conflict):
        await demonstration(engine)
    demo_credentials.write(path, kept)


def _elsewhere(company: DemoTenant) -> DemoTenant:
    text = msgspec.json.encode(company).replace(company.credentials.tenant_id.encode(), b"0" * 36)
    return msgspec.json.decode(text, type=DemoTenant)
