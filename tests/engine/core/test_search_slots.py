"""Searches wait for slots: one tenant's many delay no other; beyond a bound they are refused."""

import asyncio
from contextlib import AsyncExitStack, nullcontext

import pytest

from koine.dialects.chats import ChatsDialect
from koine.dialects.helpdesk import HelpdeskDialect
from koine.dialects.native import NativeDialect
from koine.engine.conversations import conversations
from koine.engine.people import directory
from koine.http.dialect import Dialect
from koine.kit.ids import new_id
from koine.model.errors import Unavailable
from koine.model.filters import ConversationFilter, PeopleFilter
from koine.model.page import page_window
from koine.store.core.db import Database
from tests.cast import Cast, http, make_cast

ANYONE = PeopleFilter(kinds=("user",))


async def found(cast: Cast, company: str, ended: list[str]) -> None:
    """Run one search of a tenant; append the tenant's name when it has ended."""
    actor = getattr(cast, company).actor("alice")
    await directory.find_page(cast.engine, actor, ANYONE, page_window(1, 5))
    ended.append(company)


async def test_many_searches_of_one_tenant_do_not_delay_another(db: Database) -> None:
    cast = await make_cast(db, searches_at_once=1)
    ended: list[str] = []
    async with cast.engine.search_slots.slot("x", "x"):
        flood = [asyncio.create_task(found(cast, "acme", ended)) for _ in range(20)]
        await asyncio.sleep(0)
        twin = asyncio.create_task(found(cast, "rival", ended))
        await asyncio.sleep(0)
    await asyncio.gather(*flood, twin)
    assert ended.index("rival") <= 1 and len(ended) == 21


async def test_searches_beyond_the_queue_are_refused_at_once(db: Database) -> None:
    cast = await make_cast(db, searches_at_once=1, searches_waiting_per_tenant=5)
    ended: list[str] = []
    async with cast.engine.search_slots.slot("x", "x"):
        flood = [asyncio.create_task(found(cast, "acme", ended)) for _ in range(20)]
        twin = asyncio.create_task(found(cast, "rival", ended))
        done, waiting = await asyncio.wait(flood, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 15 and len(waiting) == 5
        for task in done:
            assert isinstance(error := task.exception(), Unavailable) and error.retry_after > 0
        # A list without a search is not affected.
        await conversations.find_page(
            cast.engine, cast.acme.actor("alice"), ConversationFilter(), page_window(1, 5)
        )
    await asyncio.gather(*waiting, twin)
    assert sorted(ended) == ["acme"] * 5 + ["rival"]


class WiderFilter(ConversationFilter, frozen=True, kw_only=True):
    """A filter with a field for which there is no index."""

    added: str | None = None


@pytest.mark.parametrize(
    ("f", "scans"),
    [
        (ConversationFilter(), False),
        (ConversationFilter(statuses=("open", "closed"), owner_ids=(new_id(),)), False),
        (ConversationFilter(by_shown_time=True), False),
        (ConversationFilter(by_shown_time=True, inbox_ids=(new_id(),)), False),
        (ConversationFilter(by_shown_time=True, inbox_ids=(new_id(), new_id())), True),
        (ConversationFilter(by_shown_time=True, owner_ids=(new_id(),)), True),
        (ConversationFilter(search="x"), True),
        (ConversationFilter(shown_from=1), True),
        (ConversationFilter(channel_types=("api",)), True),
        (ConversationFilter(responder_ids=(new_id(),)), True),
        (WiderFilter(added="x"), True),
    ],
)
async def test_a_list_that_may_read_many_rows_waits_for_a_slot(
    db: Database, f: ConversationFilter, scans: bool
) -> None:
    cast = await make_cast(db, searches_at_once=1, searches_waiting=0)
    alice = cast.acme.actor("alice")
    async with cast.engine.search_slots.slot("x", "x"):
        refused = pytest.raises(Unavailable) if scans else nullcontext()
        with refused:
            await conversations.find_page(cast.engine, alice, f, page_window(1, 5))


@pytest.mark.parametrize(
    ("dialect", "path"),
    [
        (NativeDialect, "/v1/conversations?search=x"),
        (NativeDialect, "/v1/contacts?search=x"),
        (HelpdeskDialect, "/api/v1/users"),
        (ChatsDialect, "/api/v1/chats?search=x"),
    ],
)
async def test_the_refusal_is_a_503_in_the_dialects_shape(
    db: Database, dialect: type[Dialect], path: str
) -> None:
    cast = await make_cast(db, searches_at_once=1, searches_waiting=0)
    headers = {"Authorization": f"Bearer {cast.acme.key}", "X-API-Key": cast.acme.key}
    async with http(cast.engine, dialect()) as client, AsyncExitStack() as held:
        assert (await client.get(path, headers=headers)).status_code == 200
        await held.enter_async_context(cast.engine.search_slots.slot("x", "x"))
        answer = await client.get(path, headers=headers)
        assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
        assert answer.headers["content-type"].startswith("application/") and answer.json()
