"""Unread counts and the order of messages, compared with a model in Python."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koine.engine.auth import access
from koine.engine.conversations import conversations, delivery_conversations, messages
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.model.conversation import unread
from koine.model.filters import MessageFilter
from koine.model.message import Draft
from koine.model.page import Window
from koine.model.related import Include
from koine.store.core.db import Database
from tests.cast import Cast, make_cast

PEOPLE = ("dan", "cleo", "dora")
PARTICIPANTS: frozenset[Include] = frozenset({"participants"})
Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["say", "say", "note", "read", "read to"]),
        st.integers(0, len(PEOPLE) - 1),
        st.integers(0, 9),
    ),
    max_size=14,
)


class Model:
    """All messages in order, and how many of them each participant has read."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bool]] = []
        self.read = dict.fromkeys(PEOPLE, 0)

    def unread(self, who: str, sees_private: bool) -> int:
        beyond = self.said[self.read[who] :]
        return sum(sees_private or not private for _, private in beyond)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_unread_counts_match_the_model(db: Database, steps: list[Step]) -> None:
    cast = await make_cast(db)
    people = tuple((cast.acme.id(who), "member") for who in PEOPLE)
    opening = NewDeliveryConversation(delivery_id=cast.acme.deliveries[0].id, joining=people)  # type: ignore[arg-type]  # the words are roles
    opened, _ = await delivery_conversations.open_(cast.engine, cast.acme.actor("dora"), opening)
    model = Model()
    for what, who, where in steps:
        await play(cast, opened.id, model, (what, PEOPLE[who], where))
        await assert_unread_matches(cast, opened.id, model)


async def play(cast: Cast, conversation_id: str, model: Model, step: tuple[str, str, int]) -> None:
    what, who, where = step
    actor = cast.acme.actor(who)
    if what in ("say", "note"):
        text = f"{len(model.said) + 1}"
        draft = Draft(
            content=text, sender_id=actor.identity_id, private=what == "note", must_participate=True
        )
        await messages.send(cast.engine, actor, conversation_id, draft)
        model.said.append((text, what == "note"))
        model.read[who] = len(model.said)
    elif what == "read" and model.said:
        await messages.mark_read(cast.engine, actor, conversation_id)
        model.read[who] = len(model.said)
    elif what == "read to" and model.said:
        seq = 1 + where % len(model.said)
        if model.said[seq - 1][1] and not access.sees_private(actor):
            return
        shown = await messages.get_by_seq(cast.engine, actor, conversation_id, seq)
        await messages.mark_read(cast.engine, actor, conversation_id, shown.id)
        model.read[who] = max(model.read[who], seq)


async def assert_unread_matches(cast: Cast, conversation_id: str, model: Model) -> None:
    """The unread count of each participant is that of the model."""
    for who in PEOPLE:
        actor = cast.acme.actor(who)
        private = access.sees_private(actor)
        shown = await conversations.get(cast.engine, actor, conversation_id, PARTICIPANTS)
        me = {p.identity_id: p for p in shown.related.participants[conversation_id]}[
            cast.acme.id(who)
        ]
        assert unread(shown.one, me, private) == model.unread(who, private)
        f = MessageFilter(with_private=True, oldest_first=True)
        listed = await messages.find_page(cast.engine, actor, conversation_id, f, Window(100))
        expected = [text for text, note in model.said if private or not note]
        assert [m.content for m in listed.items] == expected
        assert listed.total == len(expected)
        assert [m.seq for m in listed.items] == [int(text) for text in expected]
