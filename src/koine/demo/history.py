"""Two weeks of talk in a furnished tenant: day by day, line by line, up to yesterday."""

import asyncio
from random import Random

from koine.demo.conversations import PlannedConversation, planned_conversations
from koine.demo.credentials import ExampleConversations
from koine.demo.seed import SeededTenant
from koine.engine.conversations import conversations, messages, tickets
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.core.context import Engine
from koine.kit.clock import FakeClock
from koine.kit.times import DAY, MINUTE, SECOND
from koine.model.conversation import Conversation
from koine.model.message import Draft

DAYS = 14


async def write_history(
    engine: Engine, clock: FakeClock, world: SeededTenant, scale: int
) -> ExampleConversations:
    """Tell a `scale`-th of all there is, on an engine whose clock is `clock`; answers the
    conversations that examples point at."""
    chance = Random(world.tenant.slug)
    talks = planned_conversations(engine, world, scale)
    chance.shuffle(talks)
    pointed: dict[str, Conversation] = {}
    morning = clock.now()
    for day in range(DAYS):
        clock.advance((morning + day * DAY - clock.now()) / SECOND)
        # One after another: they all take the tenant's next number, and would wait for each other.
        opened = [(talk, await talk.open()) for talk in talks[day::DAYS]]
        pointed |= {talk.label: conversation for talk, conversation in opened if talk.label}
        for line in range(max((len(talk.script) for talk, _ in opened), default=0)):
            clock.advance(chance.randint(2 * MINUTE, 25 * MINUTE) / SECOND)
            await _send_line(engine, world, opened, line)
        clock.advance(30 * MINUTE / SECOND)
        for talk, conversation in opened:
            await _end(engine, world, talk, conversation)
    return ExampleConversations(
        delivery=pointed["delivery"].id,
        helpdesk=pointed["helpdesk"].id,
        chats=pointed["chats"].id,
        inbox=pointed["inbox"].number,
    )


async def _send_line(
    engine: Engine,
    world: SeededTenant,
    opened: list[tuple[PlannedConversation, Conversation]],
    line: int,
) -> None:
    """The same line of every conversation of the day: one or two commits."""
    drafts = [
        (conversation.id, _draft(talk, *talk.script[line]))
        for talk, conversation in opened
        if line < len(talk.script)
    ]
    await asyncio.gather(*(messages.send(engine, world.boss, c, draft) for c, draft in drafts))


def _draft(talk: PlannedConversation, who: str, words: str) -> Draft:
    sender_id, kind = talk.cast[who]
    return Draft(
        content=words.format(**talk.words),
        sender_id=sender_id,
        sender_kind=kind,
        private=who == "n",
    )


async def _end(
    engine: Engine, world: SeededTenant, talk: PlannedConversation, conversation: Conversation
) -> None:
    boss = world.boss
    if talk.ending == "closed":
        await conversations.change(
            engine, boss, conversation.id, ConversationChanges(status="closed")
        )
    elif talk.ending == "snoozed":
        await conversations.change(
            engine, boss, conversation.id, ConversationChanges(status="snoozed")
        )
    elif talk.ending in ("ticket", "solved"):
        ticket = await tickets.open_(engine, boss, conversation.id)
        await tickets.take(engine, boss, ticket.id, world.users["agent"].id)
        if talk.ending == "solved":
            await tickets.complete(engine, boss, ticket.id)
    if talk.ending != "unread":
        await messages.mark_read(engine, talk.reader, conversation.id)
