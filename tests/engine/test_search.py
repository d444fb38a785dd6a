"""Searches find the same on both databases, in any form of the characters."""

import unicodedata
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koine.engine.conversations import conversations, messages
from koine.engine.people import directory
from koine.model.conversation import NewConversation
from koine.model.filters import ConversationFilter, PeopleFilter
from koine.model.identity import NewIdentity
from koine.model.message import Draft
from koine.model.page import Window
from koine.store import search_backfill, server_values
from koine.store.core.db import Database, Tx
from koine.store.core.statements import Command, param
from koine.store.core.text_folding import VERSION, fold
from koine.store.tables import conversations as c
from koine.store.tables import identities as i
from tests.cast import Cast, make_cast

# Characters that differ only before folding, those with a meaning in patterns, and any others.
NEAR = st.sampled_from("aAáÁä\u0301iIİıßsſكکيىیةه٣۳3\u200c\u0640 \t%_\\'\u00ad")
TEXTS = st.text(NEAR | st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
PLACES = st.integers(0, 9)
FEW = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
PAIRS = [
    ("Zoé", "ZOE\u0301"), ("Zoe\u0301", "zoé"), ("İnşaat", "inşaat"), ("inşaat", "İNŞAAT"),
    ("علي", "علی"), ("کتاب", "كتاب"), ("می‌روم", "میروم"), ("أحمد", "احمد"), ("مدرسة", "مدرسه"),
    ("نمره ۱۲", "نمره 12"), ("100%_\\", "%_\\"), ("Straße 5", "STRASSE  5 "),
]  # fmt: skip


@FEW
@given(
    names=st.lists(TEXTS, min_size=3, max_size=6), start=st.integers(0, 9), many=st.integers(0, 9)
)
async def test_a_part_of_a_name_finds_the_contact(
    db: Database, names: list[str], start: int, many: int
) -> None:
    cast = await make_cast(db)
    folded_names = {await contact(cast, name=name): fold(name) for name in names}
    wanted = fold(names[0])[start : start + many]
    for needle in (wanted, wanted.upper().lower(), unicodedata.normalize("NFD", wanted)):
        expected = {who for who, text in folded_names.items() if fold(needle) in text}
        assert await contacts(cast, needle) & set(folded_names) == expected


@pytest.mark.parametrize(("text", "needle"), PAIRS)
async def test_names_titles_and_messages_are_found_in_any_form(
    cast: Cast, text: str, needle: str
) -> None:
    assert await contacts(cast, needle) == set()
    who = await contact(cast, company=text)
    assert await contacts(cast, needle) == {who}
    titled = await opened(cast, title=text)
    conversation = await opened(cast)
    draft = Draft(content=f"… {text} …", sender_id=cast.acme.id("alice"), sender_kind="user")
    await messages.send(cast.engine, cast.acme.actor("alice"), conversation, draft)
    owned = await opened(cast, owner_id=await contact(cast, identifier=text))
    assert await found(cast, needle) == {titled, conversation, owned}


@pytest.mark.parametrize(
    "needle", ["Ana", "silva", "ANA SILVA", "Silva Ana", "  ana   silva ", "ána sílva"]
)
async def test_a_contact_with_two_names_is_found_by_both_in_any_order(
    cast: Cast, needle: str
) -> None:
    who = await contact(cast, first_name=" Ana", last_name="Silva ")
    owned = await opened(cast, owner_id=who)
    assert await contacts(cast, needle) == {who}
    assert await found(cast, needle) == {owned}


@pytest.mark.parametrize("needle", ["", " ", "\t", "\u200c", "\u0301", "\u0640"])
async def test_a_search_text_that_folds_to_nothing_is_no_filter(cast: Cast, needle: str) -> None:
    everyone = {cast.acme.id("carol"), cast.acme.id("dave")}
    await opened(cast)
    assert await contacts(cast, needle) == everyone
    assert len(await found(cast, needle)) == 1


async def test_nothing_is_found_across_two_texts(cast: Cast) -> None:
    await contact(cast, first_name="Ana", email="silva@web.test", phone="1", company="2")
    for needle in ("ana silva", "ana\nsilva", "1 2", "12"):
        assert await contacts(cast, needle) == set()


async def test_a_changed_name_is_found_and_the_old_one_is_not(cast: Cast) -> None:
    who, operator_actor = await contact(cast, name="Zoé"), cast.acme.actor("ada")
    await directory.change(
        cast.engine, operator_actor, who, "contact", directory.PersonChanges(name="Noël")
    )
    assert (await contacts(cast, "ZOE"), await contacts(cast, "NOEL")) == (set(), {who})


FORGET = [
    Command(i.update().where(i.c.tenant_id == param("tenant_id")).values(search_names=None)),
    Command(c.update().where(c.c.tenant_id == param("tenant_id")).values(title_folded=None)),
]


async def test_rows_from_before_are_folded_once(empty_db: Database) -> None:
    cast = await make_cast(empty_db)
    who, conversation_id = await contact(cast, name="Zoé"), await opened(cast, title="İnşaat")
    tenant_id = cast.acme.tenant.id
    await empty_db.write(tenant_id, _clear_folded_texts)
    assert (await contacts(cast, "zoe"), await found(cast, "insaat")) == (set(), set())
    await search_backfill.backfill_search_texts(empty_db)
    assert (await contacts(cast, "zoe"), await found(cast, "insaat")) == ({who}, {conversation_id})
    assert await empty_db.read("", server_values.get, "text_folding") == VERSION


async def test_more_rows_than_a_batch_are_folded(empty_db: Database) -> None:
    cast = await make_cast(empty_db)
    who = [await contact(cast, name=f"Zoé {n}") for n in range(search_backfill.BATCH + 2)]
    await empty_db.write(cast.acme.tenant.id, _clear_folded_texts)
    await search_backfill.backfill_search_texts(empty_db)
    first, last = await contacts(cast, "zoe 0"), await contacts(cast, f"zoe {len(who) - 1}")
    assert (first, last) == ({who[0]}, {who[-1]})


async def _clear_folded_texts(tx: Tx) -> None:
    for command in FORGET:
        await tx.run(command)
    await server_values.put(tx, "text_folding", "0")


async def contact(cast: Cast, **fields: Any) -> str:
    operator_actor = cast.acme.actor("ada")
    return (
        await directory.create(cast.engine, operator_actor, NewIdentity(kind="contact", **fields))
    ).id


async def opened(cast: Cast, **fields: Any) -> str:
    operator_actor = cast.acme.actor("alice")
    return (await conversations.create(cast.engine, operator_actor, NewConversation(**fields))).id


async def contacts(cast: Cast, needle: str) -> set[str]:
    f = PeopleFilter(kinds=("contact",), search=needle)
    page = await directory.find_page(
        cast.engine, cast.acme.actor("ada"), f, Window(50), with_total=True
    )
    assert page.total == len(page.items)
    return {each.id for each in page.items}


async def found(cast: Cast, needle: str) -> set[str]:
    f = ConversationFilter(search=needle)
    page = await conversations.find_page(cast.engine, cast.acme.actor("ada"), f, Window(50))
    return {each.id for each in page.items}
