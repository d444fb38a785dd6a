"""Numbered pages of messages and their totals, with each filter."""

import pytest

from koine.engine.conversations import conversations, messages
from koine.model.actor import operator
from koine.model.conversation import NewConversation, SenderKind
from koine.model.filters import MessageFilter
from koine.model.message import Draft
from koine.model.page import page_window
from koine.store.core.db import Database
from tests.cast import make_cast

SENT: tuple[SenderKind, ...] = ("user", "system", "user", "system", "user")
"""Who sends the messages of the conversation, in order."""


@pytest.mark.parametrize(
    ("f", "seqs"),
    [
        (MessageFilter(), [5, 4, 3, 2, 1]),
        (MessageFilter(said_only=True), [5, 3, 1]),
        (MessageFilter(said_only=True, oldest_first=True), [1, 3, 5]),
        (MessageFilter(after_seq=2, before_seq=5), [4, 3]),
    ],
)
async def test_total_and_numbered_pages_match_the_filter(
    db: Database, f: MessageFilter, seqs: list[int]
) -> None:
    cast = await make_cast(db)
    engine, operator_actor = cast.engine, operator(cast.acme.tenant.id)
    conversation = await conversations.create(engine, operator_actor, NewConversation())
    for kind in SENT:
        sender = cast.acme.id("ada") if kind == "user" else None
        draft = Draft(content="hi", sender_id=sender, sender_kind=kind)
        await messages.send_unchecked(engine, operator_actor, conversation.id, draft)
    pages = [
        await messages.find_page(engine, operator_actor, conversation.id, f, page_window(n, 2))
        for n in (1, 2, 3)
    ]
    assert [m.seq for page in pages for m in page.items] == seqs
    assert {page.total for page in pages} == {len(seqs)}
