"""Counters give the total of a list only where they are right."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from koine.kit.ids import new_id
from koine.model.conversation import STATUSES, Conversation
from koine.model.filters import ConversationFilter
from koine.model.page import Window
from koine.store.conversations import conversations, counters, lists, participants
from koine.store.core.db import Database, Tx
from tests.cast import Cast, make_cast

VERSIONS = new_id(), new_id()
FIELDS = ConversationFilter.__struct_fields__
KEPT = {
    "statuses", "kinds", "priority", "assignee_id", "participant_id", "inbox_ids", "owner_ids",
    "by_shown_time",
}  # fmt: skip
"""The fields for which a counter is right, each set alone."""


class WiderFilter(ConversationFilter, frozen=True, kw_only=True):
    """A filter with a field that has no counter."""

    added: str | None = None


def values(cast: Cast) -> dict[str, list[Any]]:
    """Values for each field of a filter. A new field needs a line here."""
    acme = cast.acme
    alice, dave, ada = acme.id("alice"), acme.id("dave"), acme.id("ada")
    found: dict[str, list[Any]] = {
        "statuses": [("open",), ("open", "closed"), ("snoozed", "snoozed")],
        "kinds": [("chat",), ("chat", "order")],
        "priority": ["high"],
        "assignee_id": [alice, ada],
        "participant_id": [alice, dave],
        "inbox_ids": [(acme.inbox.id,)],
        "owner_ids": [(dave,), (alice,), (dave, alice)],
        "responder_ids": [(acme.id("dora"),)],
        "responder_version_ids": [VERSIONS[:1], VERSIONS],
        "channel_types": [("api",), ("website",)],
        "shown_from": [1_000_004],
        "shown_to": [1_000_008],
        "search": ["chat 1", "dave", "-"],
        "search_as": [alice],
        "by_shown_time": [True],
    }
    assert found.keys() == set(FIELDS), "values() needs a line for each field of ConversationFilter"
    return found


async def fill(tx: Tx, cast: Cast) -> None:
    """Conversations that differ in every field of a filter."""
    acme = cast.acme
    for n in range(16):
        row = Conversation(
            id=new_id(), number=1000 + n, kind=("chat", "order", "support")[n % 3],
            status=STATUSES[n // 2 % 4], title=f"chat {n}", priority=(None, "high")[n // 4 % 2],
            channel=None, source="api", inbox_id=(None, acme.inbox.id)[n % 2],
            owner_id=(None, acme.id("dave"), acme.id("carol"))[n % 3], delivery_id=None,
            assignee_id=(None, acme.id("alice"))[n // 3 % 2],
            responder_id=(acme.id("dora"), None)[n // 2 % 2],
            responder_version_id=(None, *VERSIONS)[n % 3], responder_active=False,
            created_by=(acme.id("alice"), None)[n // 6 % 2], metadata=None,
            custom_attributes="{}", labels="[]", created_at=1, updated_at=1,
            last_activity_at=1_000_000 + n, last_message_at=1_000_000 + n,
            sort_at_override=(None, 1_000_000 + 2 * n)[n // 5 % 2],
            shown_at_override=(None, 1_000_000 + 2 * n)[n // 5 % 2],
            removed_at=5 if n == 15 else None,
        )  # fmt: skip
        await conversations.insert_one(tx, row)
        if n % 4 != 3:
            await participants.join(tx, row, acme.id(("alice", "dave")[n % 2]), "member", 2)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(chosen={"owner_ids": 1, "participant_id": 0, "statuses": 0, "by_shown_time": 0})
@given(chosen=st.dictionaries(st.sampled_from(FIELDS), st.integers(0, 5), max_size=4))
async def test_the_total_of_any_filter_is_what_its_list_has(
    cast: Cast, chosen: dict[str, int]
) -> None:
    some = values(cast)
    f = ConversationFilter(**{name: some[name][n % len(some[name])] for name, n in chosen.items()})
    of, read = cast.acme.tenant.id, cast.engine.db.read
    page = await read(of, lists.find_page, f, Window(100), with_total=True)
    total = await read(of, lists.total, f)
    assert (page.total, total) == (len(page.items), len(page.items)), f


@pytest.fixture
async def cast(db: Database) -> Cast:
    cast = await make_cast(db)
    await db.write(cast.acme.tenant.id, fill, cast)
    return cast


async def test_each_field_has_a_value_for_which_a_wrong_total_would_differ(
    cast: Cast,
) -> None:
    tried = values(cast)
    read, of = cast.engine.db.read, cast.acme.tenant.id
    everything = await read(of, lists.total, ConversationFilter())
    assert everything == 15
    for name in set(FIELDS) - {"search_as", "by_shown_time"}:
        f = ConversationFilter(**{name: tried[name][0]})
        assert 0 < await read(of, lists.total, f) < everything, name


@pytest.mark.parametrize("field", FIELDS)
async def test_a_kept_total_is_used_for_no_field_but_those_it_is_right_for(
    field: str, cast: Cast
) -> None:
    for value in values(cast)[field]:
        kept = counters.counters_for(ConversationFilter(**{field: value}))
        assert (kept is not None) == (field in KEPT)


def test_no_kept_total_is_used_for_a_field_that_is_added() -> None:
    assert counters.counters_for(WiderFilter()) == ["total:all"]
    assert counters.counters_for(WiderFilter(added="x")) is None
    assert counters.counters_for(WiderFilter(added="x", kinds=("chat",))) is None
    assert counters.counters_for(WiderFilter(added="x", participant_id=new_id())) is None
