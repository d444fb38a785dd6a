"""The planned conversations of the demonstration, of all four kinds."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from koine.demo import scripts
from koine.demo.scripts import Script
from koine.demo.seed import SeededTenant
from koine.engine.conversations import contact_conversations, conversations, delivery_conversations
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.engine.core.engine import Engine
from koine.model.actor import Actor
from koine.model.conversation import Conversation, NewConversation, Priority, SenderKind
from koine.model.identity import Identity
from koine.model.inbox import Inbox
from koine.model.permissions import ROLE_PERMISSIONS

HELPDESK, CHATS, INBOX = 40, 32, 24
"""How many conversations of these kinds; each discussed delivery has one, too."""
PRIORITIES: tuple[Priority, ...] = ("low", "medium", "medium", "high", "urgent")
ENDINGS = ("closed", "", "unread", "closed", "", "snoozed")
CHAT_ENDINGS = ("ticket", "", "unread", "closed", "solved")

Open = Callable[[], Awaitable[Conversation]]
Senders = dict[str, tuple[str, SenderKind]]


class PlannedConversation(Struct):
    """A conversation to create: how it opens, its messages and their senders, how it ends, and who
    reads it. `label` names it among the conversations of the printed examples."""

    open: Open
    script: Script
    senders: Senders
    words: dict[str, str]
    ending: str
    reader: Actor
    label: str


def planned_conversations(
    engine: Engine, seeded: SeededTenant, scale: int
) -> list[PlannedConversation]:
    """Every `scale`-th conversation of each kind, the first always."""
    return [
        planned
        for kind in (_deliveries, _helpdesk, _chats, _inbox)
        for planned in kind(engine, seeded)[::scale]
    ]


def actor_of(user: Identity, tenant_id: str) -> Actor:
    """The actor of a user, with the permissions of its role."""
    return Actor(tenant_id, "user", user.id, user.role, ROLE_PERMISSIONS[user.role])


def _deliveries(engine: Engine, seeded: SeededTenant) -> list[PlannedConversation]:
    dispatcher = actor_of(seeded.users["dispatcher"], seeded.tenant.id)
    admin = actor_of(seeded.users["admin"], seeded.tenant.id)
    people = {user.id: user for user in seeded.users.values()}

    def make_opener(delivery_id: str, opens: Actor) -> Open:
        async def work() -> Conversation:
            opening = NewDeliveryConversation(
                delivery_id=delivery_id, metadata='{"priority": "normal"}'
            )
            return (await delivery_conversations.open_(engine, opens, opening))[0]

        return work

    return [
        PlannedConversation(
            open=make_opener(delivery.id, dispatcher if n else admin),
            script=scripts.DELIVERY[n % len(scripts.DELIVERY)],
            senders=_senders(dispatcher) | {
                "c": (delivery.customer_id, "contact"), "d": (delivery.driver_id or "", "user"),
            },
            words=_words(people[delivery.customer_id], delivery.external_reference_id or ""),
            ending=ENDINGS[n % len(ENDINGS)] if n else "unread",
            reader=dispatcher,
            label="" if n else "delivery",
        )
        for n, delivery in enumerate(seeded.discussed_deliveries)
    ]  # fmt: skip


def _helpdesk(engine: Engine, seeded: SeededTenant) -> list[PlannedConversation]:
    agents = [actor_of(seeded.users[part], seeded.tenant.id) for part in ("agent", "second_agent")]

    def make_opener(n: int, subject: str) -> Open:
        inbox = seeded.inboxes[n % 2]
        new = NewConversation(
            title=subject.format(ref=_ref(n)), priority=PRIORITIES[n % len(PRIORITIES)],
            inbox_id=inbox.id, owner_id=_contact(seeded, n).id, source=inbox.channel_type,
        )  # fmt: skip

        async def work() -> Conversation:
            made = await conversations.create(engine, seeded.operator, new)
            mine = conversations.ConversationChanges(assignee_id=agents[n % 2].identity_id)
            return (
                await conversations.change(engine, seeded.operator, made.id, mine)
                if n % 5
                else made
            )

        return work

    return [
        _plan(seeded, n, make_opener(n, subject), script, agents[n % 2], "" if n else "helpdesk")
        for n in range(HELPDESK)
        for subject, script in [scripts.HELPDESK[n % len(scripts.HELPDESK)]]
    ]


def _chats(engine: Engine, seeded: SeededTenant) -> list[PlannedConversation]:
    agent = actor_of(seeded.users["agent"], seeded.tenant.id)
    channels = [inbox for inbox in seeded.inboxes if inbox.responder_id is not None]

    def make_opener(n: int, channel: Inbox) -> Open:
        new = NewConversation(
            title=None if n % 3 else f"Chat with {_contact(seeded, n).name}",
            inbox_id=channel.id,
            owner_id=_contact(seeded, n).id,
        )

        async def work() -> Conversation:
            return await conversations.create(engine, seeded.operator, new)

        return work

    made = []
    for n in range(CHATS):
        channel = channels[(n + 1) % len(channels)]
        script = scripts.CHATS[n % len(scripts.CHATS)]
        planned = _plan(seeded, n, make_opener(n, channel), script, agent, "" if n else "chats")
        planned.senders["r"] = (channel.responder_id or "", "responder")
        planned.ending = CHAT_ENDINGS[n % len(CHAT_ENDINGS)] if n else ""
        made.append(planned)
    return made


def _inbox(engine: Engine, seeded: SeededTenant) -> list[PlannedConversation]:
    agent = actor_of(seeded.users["second_agent"], seeded.tenant.id)

    def make_opener(n: int) -> Open:
        caller = seeded.contact_callers[n % len(seeded.contact_callers)]
        _, contact = caller.contact_at_inbox
        actor = Actor(seeded.tenant.id, "contact", contact.id)

        async def work() -> Conversation:
            attributes: dict[str, object] = {"page": "/checkout"} if n % 2 else {}
            return await contact_conversations.open_(engine, actor, caller, attributes)

        return work

    return [
        _plan(
            seeded, n, make_opener(n), scripts.INBOX[n % len(scripts.INBOX)], agent,
            label="" if n else "inbox",
        )
        for n in range(INBOX)
    ]  # fmt: skip


def _plan(
    seeded: SeededTenant, n: int, opens: Open, script: Script, reader: Actor, label: str
) -> PlannedConversation:
    contact = _contact(seeded, n)
    return PlannedConversation(
        open=opens,
        script=script,
        senders=_senders(reader) | {"c": (contact.id, "contact")},
        words=_words(contact, _ref(n)),
        ending=ENDINGS[n % len(ENDINGS)] if not label else "",
        reader=reader,
        label=label,
    )


def _senders(human: Actor) -> Senders:
    who = human.identity_id or ""
    return {"h": (who, "user"), "n": (who, "user")}


def _contact(seeded: SeededTenant, n: int) -> Identity:
    return seeded.contact_callers[n % len(seeded.contact_callers)].contact_at_inbox[1]


def _words(person: Identity, ref: str) -> dict[str, str]:
    return {"name": person.first_name or (person.name or "").partition(" ")[0], "ref": ref}


def _ref(n: int) -> str:
    return f"ORD-{10_101 + n}"
