"""Two weeks of conversations in a seeded tenant: day by day, message by message, to yesterday."""

import asyncio
from random import Random

from koine.demo.conversations import PlannedConversation, planned_conversations
from koine.demo.credentials import ExampleConversations
from koine.demo.seed import SeededTenant
from koine.engine.conversations import conversations, messages, tickets
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.core.engine import Engine
from koine.kit.clock import FakeClock
from koine.kit.times import DAY, MINUTE, SECOND
from koine.model.conversation import Conversation
from koine.model.message import Draft

DAYS = 14


async def write_history(
    engine: Engine, clock: FakeClock, seeded: SeededTenant, scale: int
) -> ExampleConversations:
    """Write every `scale`-th planned conversation, on an engine whose clock is `clock`; return
    those of the printed examples."""
    rng = Random(seeded.tenant.slug)
    to_open = planned_conversations(engine, seeded, scale)
    rng.shuffle(to_open)
    examples: dict[str, Conversation] = {}
    morning = clock.now()
    for day in range(DAYS):
        clock.advance((morning + day * DAY - clock.now()) / SECOND)
        # One after another: each takes the tenant's next number, which locks the same row.
        opened = [(planned, await planned.open()) for planned in to_open[day::DAYS]]
        examples |= {
            planned.label: conversation for planned, conversation in opened if planned.label
        }
        for line in range(max((len(planned.script) for planned, _ in opened), default=0)):
            clock.advance(rng.randint(2 * MINUTE, 25 * MINUTE) / SECOND)
            await _send_line(engine, seeded, opened, line)
        clock.advance(30 * MINUTE / SECOND)
        for planned, conversation in opened:
            await _end(engine, seeded, planned, conversation)
    return ExampleConversations(
        delivery=examples["delivery"].id,
        helpdesk=examples["helpdesk"].id,
        chats=examples["chats"].id,
        inbox=examples["inbox"].number,
    )


async def _send_line(
    engine: Engine,
    seeded: SeededTenant,
    opened: list[tuple[PlannedConversation, Conversation]],
    line: int,
) -> None:
    """Send the message at `line` of every conversation of the day: one or two commits."""
    drafts = [
        (conversation.id, _draft(planned, *planned.script[line]))
        for planned, conversation in opened
        if line < len(planned.script)
    ]
    await asyncio.gather(*(messages.send(engine, seeded.operator, c, draft) for c, draft in drafts))


def _draft(planned: PlannedConversation, who: str, words: str) -> Draft:
    sender_id, kind = planned.senders[who]
    return Draft(
        content=words.format(**planned.words),
        sender_id=sender_id,
        sender_kind=kind,
        private=who == "n",
    )


async def _end(
    engine: Engine, seeded: SeededTenant, planned: PlannedConversation, conversation: Conversation
) -> None:
    operator_actor = seeded.operator
    if planned.ending == "closed":
        await conversations.change(
            engine, operator_actor, conversation.id, ConversationChanges(status="closed")
        )
    elif planned.ending == "snoozed":
        await conversations.change(
            engine, operator_actor, conversation.id, ConversationChanges(status="snoozed")
        )
    elif planned.ending in ("ticket", "solved"):
        ticket = await tickets.open_(engine, operator_actor, conversation.id)
        await tickets.take(engine, operator_actor, ticket.id, seeded.users["agent"].id)
        if planned.ending == "solved":
            await tickets.complete(engine, operator_actor, ticket.id)
    if planned.ending != "unread":
        await messages.mark_read(engine, planned.reader, conversation.id)
