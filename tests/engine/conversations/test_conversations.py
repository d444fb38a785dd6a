"""Lists of conversations and their totals; changing, removing and deleting conversations."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from koine.engine.conversations import conversations, messages
from koine.engine.conversations.conversations import ConversationChanges
from koine.model.conversation import Conversation, NewConversation
from koine.model.errors import Forbidden, Invalid, NotFound
from koine.model.filters import ConversationFilter
from koine.model.message import Draft
from koine.model.page import Window, page_window
from koine.model.related import Include
from koine.store.core.db import Database, Tx
from koine.store.core.statements import Query, param
from koine.store.tables import events, metadata
from tests.cast import make_cast
from tests.engine.random_tenant import WHAT, RandomTenant, Step, holds, new_random_tenant

WITH_PEOPLE: frozenset[Include] = frozenset({"participants"})
STEPS = st.lists(
    st.tuples(
        st.sampled_from(WHAT),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    max_size=30,
)
BOTH = settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def order(c: Conversation) -> tuple[int, str]:
    """The sort key of lists, in descending order: the last activity, then the id."""
    return c.last_activity_at, c.id


@BOTH
@given(steps=STEPS)
async def test_totals_stay_exact_and_filters_find_what_they_say(
    db: Database, steps: list[Step]
) -> None:
    tenant = await new_random_tenant(db)
    await tenant.run(steps)
    everything = await conversations.find_page(
        tenant.engine,
        tenant.operator,
        ConversationFilter(),
        Window(1000),
        WITH_PEOPLE,
    )
    assert {c.id for c in everything.items} == set(tenant.alive)
    parts = everything.related.participants
    who = {i: {m.identity_id for m in ms if m.left_at is None} for i, ms in parts.items()}
    assert all(c.participant_count == len(who[c.id]) for c in everything.items)
    for f in tenant.filters():
        shown = await conversations.find_page(tenant.engine, tenant.operator, f, Window(1000))
        expected = [c.id for c in everything.items if holds(f, c, who[c.id])]
        assert ([c.id for c in shown.items], shown.total) == (expected, len(expected)), f


@BOTH
@given(steps=STEPS, limit=st.integers(1, 4), part=st.integers(0, 2))
async def test_pages_give_each_conversation_once_in_order(
    db: Database, steps: list[Step], limit: int, part: int
) -> None:
    tenant = await new_random_tenant(db)
    await tenant.run([("create", n, n + 1) for n in range(6)] + steps)
    for f in tenant.filters()[part::3]:  # the test above has every filter each time
        whole = await conversations.find_page(tenant.engine, tenant.operator, f, Window(1000))
        ids = [c.id for c in sorted(whole.items, key=order, reverse=True)]
        assert ids == [c.id for c in whole.items]
        assert ids == await by_number(tenant, f, limit) == await by_cursor(tenant, f, limit)


async def by_number(tenant: RandomTenant, f: ConversationFilter, limit: int) -> list[str]:
    """The ids of a list, page by page until one is empty."""
    found: list[str] = []
    for page in range(1, 100):
        shown = await conversations.find_page(
            tenant.engine, tenant.operator, f, page_window(page, limit)
        )
        if not shown.items:
            break
        found += [c.id for c in shown.items]
    return found


async def by_cursor(tenant: RandomTenant, f: ConversationFilter, limit: int) -> list[str]:
    """The ids of a list, from cursor to cursor until there is none."""
    found: list[str] = []
    cursor = None
    for _ in range(100):
        window = Window(limit, cursor=cursor)
        shown = await conversations.find_page(
            tenant.engine, tenant.operator, f, window, with_total=False
        )
        found += [c.id for c in shown.items]
        cursor = shown.next
        if cursor is None:
            break
    return found


async def test_a_status_named_twice_counts_once(db: Database) -> None:
    tenant = await new_random_tenant(db)
    await tenant.run([("create", 0, 0)])
    f = ConversationFilter(statuses=("open", "open"))
    shown = await conversations.find_page(tenant.engine, tenant.operator, f, Window(10))
    assert ([c.id for c in shown.items], shown.total) == (tenant.alive, 1)


async def test_an_assignee_becomes_a_participant_and_deactivates_the_responder(
    db: Database,
) -> None:
    cast = await make_cast(db)
    ada, alice = cast.acme.actor("ada"), cast.acme.id("alice")
    conversation = await conversations.create(cast.engine, ada, NewConversation())
    assert conversation.responder_id == cast.acme.tenant.default_responder_id
    changed = await conversations.change(
        cast.engine, ada, conversation.id, ConversationChanges(assignee_id=alice)
    )
    assert (changed.participant_count, changed.responder_active) == (1, False)
    assert (
        await conversations.change(cast.engine, ada, conversation.id, ConversationChanges())
        == changed
    )
    freed = await conversations.change(
        cast.engine, ada, conversation.id, ConversationChanges(assignee_id=None)
    )
    assert (freed.assignee_id, freed.responder_active) == (None, True)


async def test_an_assignee_joins_once(db: Database) -> None:
    cast = await make_cast(db)
    ada, alice = cast.acme.actor("ada"), cast.acme.id("alice")
    conversation = await conversations.create(cast.engine, ada, NewConversation())
    for assignee in (alice, None, alice):
        await conversations.change(
            cast.engine, ada, conversation.id, ConversationChanges(assignee_id=assignee)
        )
    facts = await db.read(cast.acme.tenant.id, facts_of, conversation.id)
    assert facts == ["conversation.created", "participant.joined", *["conversation.updated"] * 3]


FACTS = Query(
    select(events.c.kind)
    .where(
        events.c.tenant_id == param("tenant_id"),
        events.c.conversation_id == param("conversation_id"),
    )
    .order_by(events.c.position),
    str,
)


async def facts_of(tx: Tx, conversation_id: str) -> list[str]:
    return await tx.all(FACTS, conversation_id=conversation_id)


async def test_a_status_stays_where_the_change_says_so(db: Database) -> None:
    cast = await make_cast(db)
    ada = cast.acme.actor("ada")
    conversation = await conversations.create(cast.engine, ada, NewConversation(status="snoozed"))
    pending = ConversationChanges(status="pending", unless_status=("snoozed",))
    assert await conversations.change(cast.engine, ada, conversation.id, pending) == conversation


@pytest.mark.parametrize("who", ["carol", "alice", "dan"])
async def test_conversations_of_another_tenant_are_not_found(db: Database, who: str) -> None:
    cast = await make_cast(db)
    conversation = await conversations.create(
        cast.engine, cast.acme.actor("ada"), NewConversation()
    )
    outsider = cast.rival.actor(who)
    with pytest.raises(NotFound):
        await conversations.get(cast.engine, outsider, conversation.id)


async def test_ids_of_another_tenant_are_refused(db: Database) -> None:
    cast = await make_cast(db)
    ada, rival = cast.acme.actor("ada"), cast.rival
    for new in (
        NewConversation(inbox_id=rival.inbox.id),
        NewConversation(owner_id=rival.id("carol")),
        NewConversation(participants=((rival.id("dan"), "member"),)),
    ):
        with pytest.raises((NotFound, Invalid)):
            await conversations.create(cast.engine, ada, new)


async def test_who_may_not_write_may_not_remove_or_delete(db: Database) -> None:
    cast = await make_cast(db)
    conversation = await conversations.create(
        cast.engine, cast.acme.actor("ada"), NewConversation()
    )
    dora = cast.acme.actor("dora")
    for act in (
        conversations.change(cast.engine, dora, conversation.id, ConversationChanges(title="x")),
        conversations.remove(cast.engine, dora, conversation.id),
        conversations.delete(cast.engine, dora, conversation.id, None),
    ):
        with pytest.raises(Forbidden):
            await act


async def test_a_user_lists_only_its_own_conversations(db: Database) -> None:
    cast = await make_cast(db)
    ada, dan = cast.acme.actor("ada"), cast.acme.actor("dan")
    await conversations.create(cast.engine, ada, NewConversation())
    new = NewConversation(participants=((cast.acme.id("dan"), "member"),))
    created = await conversations.create(cast.engine, ada, new)
    shown = await conversations.find_page(cast.engine, dan, ConversationFilter(), Window(10))
    assert ([c.id for c in shown.items], shown.total) == ([created.id], 1)
    other = ConversationFilter(participant_id=cast.acme.id("ada"))
    with pytest.raises(Forbidden):
        await conversations.find_page(cast.engine, dan, other, Window(10))


TRACES = [
    Query(select(table).where(table.c.tenant_id == param("tenant_id")))
    for table in metadata.sorted_tables
    if "tenant_id" in table.c
]


async def test_no_row_has_a_text_of_a_deleted_conversation(db: Database) -> None:
    cast = await make_cast(db)
    ada = cast.acme.actor("ada")
    words = NewConversation(
        title="Secret", metadata='{"a":"Secret"}', custom_attributes='["Secret"]'
    )
    conversation = await conversations.create(cast.engine, ada, words)
    changes = ConversationChanges(title="Secret!", labels='["Secret"]', metadata=None)
    await conversations.change(cast.engine, ada, conversation.id, changes)
    draft = Draft(content="Secret", sender_id=ada.identity_id)
    await messages.send(cast.engine, ada, conversation.id, draft)
    await conversations.delete(cast.engine, ada, conversation.id, "asked to")
    left = [await db.read(ada.tenant_id, rows_of, query) for query in TRACES]
    assert any(left)
    assert "Secret" not in repr(left)


async def rows_of(tx: Tx, query: Query[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Every row of the tenant in a table."""
    return await tx.all(query)


async def test_a_removed_conversation_is_found_only_on_request(
    db: Database,
) -> None:
    cast = await make_cast(db)
    ada = cast.acme.actor("ada")
    conversation = await conversations.create(cast.engine, ada, NewConversation())
    removed = await conversations.remove(cast.engine, ada, conversation.id)
    assert await conversations.remove(cast.engine, ada, conversation.id) == removed
    with pytest.raises(NotFound):
        await conversations.get(cast.engine, ada, conversation.id)
    seen = await conversations.get(cast.engine, ada, conversation.id, removed=True)
    assert seen.one == removed
