"""Access control: what each kind of actor sees, reads and changes."""

from typing import Any

import pytest

from koine.engine import tenants
from koine.engine.auth import access
from koine.engine.conversations import conversations, delivery_conversations, messages, participants
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.model.actor import Actor, operator
from koine.model.conversation import Conversation, NewConversation
from koine.model.errors import Forbidden, NotFound
from koine.model.filters import ConversationFilter, MessageFilter
from koine.model.message import Draft
from koine.model.page import Window
from koine.model.permissions import READ_CONVERSATIONS, WRITE_CONVERSATIONS
from koine.store.core.db import Tx
from koine.store.core.statements import Query
from koine.store.core.tenant_tx import TenantTx
from tests.cast import Cast

ALL = MessageFilter(with_private=True)


async def opened(cast: Cast) -> str:
    """The conversation of a delivery that Dan drives to Cleo; Dora opened it."""
    opening = NewDeliveryConversation(delivery_id=cast.acme.deliveries[0].id)
    dora = cast.acme.actor("dora")
    return (await delivery_conversations.open_(cast.engine, dora, opening))[0].id


def key(cast: Cast, *permissions: str) -> Actor:
    """A key of Olaf, who takes part in no conversation."""
    olaf = cast.acme.id("olaf")
    return Actor(cast.acme.tenant.id, "key", olaf, permissions=frozenset(permissions))


@pytest.mark.parametrize("who", ["ada", "alice", "dora", "dan", "cleo"])
async def test_those_who_view_the_tenant_and_participants_see_it(cast: Cast, who: str) -> None:
    name = await opened(cast)
    assert (await conversations.get(cast.engine, cast.acme.actor(who), name)).one.id == name


async def test_others_do_not_find_it(cast: Cast) -> None:
    name = await opened(cast)
    for outsider in (cast.acme.actor("olaf"), cast.acme.actor("carol"), cast.rival.actor("ada")):
        with pytest.raises(NotFound):
            await conversations.get(cast.engine, outsider, name)


async def test_a_former_participant_does_not_see_it(cast: Cast) -> None:
    name, dan = await opened(cast), cast.acme.actor("dan")
    await participants.remove(cast.engine, cast.acme.actor("ada"), name, [cast.acme.id("dan")])
    with pytest.raises(NotFound):
        await conversations.get(cast.engine, dan, name)


async def test_reading_as_a_participant_takes_more_than_a_permission(cast: Cast) -> None:
    name = await opened(cast)
    with pytest.raises(Forbidden):
        await messages.find_page(
            cast.engine, cast.acme.actor("ada"), name, ALL, Window(1), as_participant=True
        )
    dan = cast.acme.actor("dan")
    page = await messages.find_page(cast.engine, dan, name, ALL, Window(1), as_participant=True)
    assert page.participant is not None


async def test_a_key_sees_by_its_permission_and_changes_by_another(cast: Cast) -> None:
    name, changes = await opened(cast), conversations.ConversationChanges(title="x")
    reader, writer = key(cast, READ_CONVERSATIONS), key(cast, WRITE_CONVERSATIONS)
    await conversations.get(cast.engine, reader, name)
    with pytest.raises(Forbidden):
        await conversations.change(cast.engine, reader, name, changes)
    await conversations.change(cast.engine, writer, name, changes)
    with pytest.raises(NotFound):
        await conversations.get(cast.engine, writer, name)


async def test_its_admins_change_a_conversation_and_members_do_not(cast: Cast) -> None:
    name, changes = await opened(cast), conversations.ConversationChanges(title="x")
    await conversations.change(cast.engine, cast.acme.actor("dora"), name, changes)
    with pytest.raises(Forbidden):
        await conversations.change(cast.engine, cast.acme.actor("dan"), name, changes)


@pytest.mark.parametrize(("who", "sees"), [("alice", True), ("dora", True), ("dan", False)])
async def test_notes_are_for_staff(cast: Cast, who: str, sees: bool) -> None:
    assert access.sees_private(cast.acme.actor(who)) is sees


async def test_a_list_is_restricted_to_what_the_actor_may_see(cast: Cast) -> None:
    f = ConversationFilter()
    assert access.restrict_to_own(cast.acme.actor("ada"), f) == f
    assert access.restrict_to_own(cast.acme.actor("dan"), f).participant_id == cast.acme.id("dan")
    with pytest.raises(Forbidden):
        others = ConversationFilter(participant_id=cast.acme.id("ada"))
        access.restrict_to_own(cast.acme.actor("dan"), others)


def test_an_actor_without_an_identity_lists_nothing() -> None:
    with pytest.raises(Forbidden):
        access.restrict_to_own(Actor("t", "user"), ConversationFilter())


def test_an_actor_grants_only_permissions_that_it_has() -> None:
    actor = Actor("t", "user", permissions=frozenset({READ_CONVERSATIONS}))
    access.require_all(actor, frozenset({READ_CONVERSATIONS}))
    with pytest.raises(Forbidden):
        access.require_all(actor, frozenset({READ_CONVERSATIONS, WRITE_CONVERSATIONS}))


class CountingTx(TenantTx):
    """A transaction that counts its queries."""

    __slots__ = ("count",)

    def __init__(self, tx: Tx, tenant_id: str) -> None:
        super().__init__(tx, tenant_id)
        self.count = 0

    async def all(self, query: Query[Any], /, **params: Any) -> list[Any]:
        """Every row."""
        self.count += 1
        return await super().all(query, **params)

    async def one(self, query: Query[Any], /, **params: Any) -> Any:
        """The first row, or None."""
        self.count += 1
        return await super().one(query, **params)


async def test_a_page_of_support_conversations_takes_as_many_queries_as_one(cast: Cast) -> None:
    async def queries(tx: Tx, found: list[Conversation]) -> int:
        counting = CountingTx(tx, tx.tenant_id)
        assert len(await access.support_readers(counting, found)) == len(found)
        return counting.count

    ada, new = cast.acme.actor("ada"), NewConversation(kind="support")
    page = [await conversations.create(cast.engine, ada, new) for _ in range(5)]
    counts = [await cast.engine.db.read(ada.tenant_id, queries, page[:n]) for n in (0, 1, 5)]
    assert counts == [0, 2, 2]


async def test_no_search_finds_support_conversations_by_what_the_searcher_may_not_read(
    cast: Cast,
) -> None:
    acme, engine, operator_actor = cast.acme, cast.engine, operator(cast.acme.tenant.id)
    named = tenants.TenantChanges(support_user_ids=[acme.id("dora")])
    await tenants.change(engine, operator_actor, named)
    new = NewConversation(kind="support", title="Help")
    conversation = await conversations.create(engine, operator_actor, new)
    draft = Draft(content="my card is 4711", sender_id=acme.id("alice"))
    await messages.send(engine, operator_actor, conversation.id, draft)
    found = {}
    for name in ("ada", "alice", "dora"):
        for text in ("card is 4711", "help"):
            f, window = ConversationFilter(search=text), Window(limit=10)
            page = await conversations.find_page(engine, acme.actor(name), f, window)
            found[name, text] = (len(page.items), page.total)
    missed = [each for each, count in found.items() if count == (0, 0)]
    assert missed == [("ada", "card is 4711"), ("alice", "card is 4711")]
