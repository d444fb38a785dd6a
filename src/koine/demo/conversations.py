"""Which conversations the demonstration has, of all four kinds."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from koine.demo import scripts
from koine.demo.scripts import Script
from koine.demo.seed import SeededTenant
from koine.engine.conversations import contact_conversations, conversations, delivery_conversations
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.engine.core.context import Engine
from koine.model.actor import Actor
from koine.model.conversation import Conversation, NewConversation, Priority, SenderKind
from koine.model.identity import Identity
from koine.model.inbox import Inbox
from koine.model.permissions import ROLE_PERMISSIONS

HELPDESK, CHATS, INBOX = 40, 32, 24
"""How many there are of these; of deliveries there is one for each spoken of."""
PRIORITIES: tuple[Priority, ...] = ("low", "medium", "medium", "high", "urgent")
ENDINGS = ("closed", "", "unread", "closed", "", "snoozed")
CHAT_ENDINGS = ("ticket", "", "unread", "closed", "solved")

Open = Callable[[], Awaitable[Conversation]]
Cast = dict[str, tuple[str, SenderKind]]


class PlannedConversation(Struct):
    """One conversation to come: how it opens, who says what, how it ends, and who reads it.
    `label` names it among the conversations that examples point at."""

    open: Open
    script: Script
    cast: Cast
    words: dict[str, str]
    ending: str
    reader: Actor
    label: str


def planned_conversations(
    engine: Engine, world: SeededTenant, scale: int
) -> list[PlannedConversation]:
    """Every `scale`-th conversation of each kind, the first always."""
    return [
        talk
        for kind in (_deliveries, _helpdesk, _chats, _inbox)
        for talk in kind(engine, world)[::scale]
    ]


def actor_of(user: Identity, tenant_id: str) -> Actor:
    """A user of the tenant as the engine sees them."""
    held = ROLE_PERMISSIONS[user.role]
    return Actor(tenant_id, "user", user.id, user.role, held)


def _deliveries(engine: Engine, world: SeededTenant) -> list[PlannedConversation]:
    dispatcher = actor_of(world.users["dispatcher"], world.tenant.id)
    admin = actor_of(world.users["admin"], world.tenant.id)
    people = {user.id: user for user in world.users.values()}

    def opener(delivery_id: str, opens: Actor) -> Open:
        async def work() -> Conversation:
            opening = NewDeliveryConversation(
                delivery_id=delivery_id, metadata='{"priority": "normal"}'
            )
            return (await delivery_conversations.open_(engine, opens, opening))[0]

        return work

    return [
        PlannedConversation(
            open=opener(delivery.id, dispatcher if n else admin),
            script=scripts.DELIVERY[n % len(scripts.DELIVERY)],
            cast=_cast(dispatcher) | {
                "c": (delivery.customer_id, "contact"), "d": (delivery.driver_id or "", "user"),
            },
            words=_words(people[delivery.customer_id], delivery.external_reference_id or ""),
            ending=ENDINGS[n % len(ENDINGS)] if n else "unread",
            reader=dispatcher,
            label="" if n else "delivery",
        )
        for n, delivery in enumerate(world.spoken)
    ]  # fmt: skip


def _helpdesk(engine: Engine, world: SeededTenant) -> list[PlannedConversation]:
    agents = [actor_of(world.users[part], world.tenant.id) for part in ("agent", "second_agent")]

    def opener(n: int, subject: str) -> Open:
        inbox = world.inboxes[n % 2]
        new = NewConversation(
            title=subject.format(ref=_ref(n)), priority=PRIORITIES[n % len(PRIORITIES)],
            inbox_id=inbox.id, owner_id=_guest(world, n).id, source=inbox.channel_type,
        )  # fmt: skip

        async def work() -> Conversation:
            made = await conversations.create(engine, world.boss, new)
            mine = conversations.ConversationChanges(assignee_id=agents[n % 2].identity_id)
            return await conversations.change(engine, world.boss, made.id, mine) if n % 5 else made

        return work

    return [
        _talk(world, n, opener(n, subject), script, agents[n % 2], "" if n else "helpdesk")
        for n in range(HELPDESK)
        for subject, script in [scripts.HELPDESK[n % len(scripts.HELPDESK)]]
    ]


def _chats(engine: Engine, world: SeededTenant) -> list[PlannedConversation]:
    agent = actor_of(world.users["agent"], world.tenant.id)
    channels = [inbox for inbox in world.inboxes if inbox.responder_id is not None]

    def opener(n: int, channel: Inbox) -> Open:
        new = NewConversation(
            title=None if n % 3 else f"Chat with {_guest(world, n).name}",
            inbox_id=channel.id,
            owner_id=_guest(world, n).id,
        )

        async def work() -> Conversation:
            return await conversations.create(engine, world.boss, new)

        return work

    made = []
    for n in range(CHATS):
        channel = channels[(n + 1) % len(channels)]
        script = scripts.CHATS[n % len(scripts.CHATS)]
        talk = _talk(world, n, opener(n, channel), script, agent, "" if n else "chats")
        talk.cast["r"] = (channel.responder_id or "", "responder")
        talk.ending = CHAT_ENDINGS[n % len(CHAT_ENDINGS)] if n else ""
        made.append(talk)
    return made


def _inbox(engine: Engine, world: SeededTenant) -> list[PlannedConversation]:
    agent = actor_of(world.users["second_agent"], world.tenant.id)

    def opener(n: int) -> Open:
        entry = world.guests[n % len(world.guests)]
        _, contact = entry.contact_at_inbox
        caller = Actor(world.tenant.id, "contact", contact.id)

        async def work() -> Conversation:
            bag: dict[str, object] = {"page": "/checkout"} if n % 2 else {}
            return await contact_conversations.open_(engine, caller, entry, bag)

        return work

    return [
        _talk(
            world, n, opener(n), scripts.INBOX[n % len(scripts.INBOX)], agent,
            label="" if n else "inbox",
        )
        for n in range(INBOX)
    ]  # fmt: skip


def _talk(
    world: SeededTenant, n: int, opens: Open, script: Script, reader: Actor, label: str
) -> PlannedConversation:
    contact = _guest(world, n)
    return PlannedConversation(
        open=opens,
        script=script,
        cast=_cast(reader) | {"c": (contact.id, "contact")},
        words=_words(contact, _ref(n)),
        ending=ENDINGS[n % len(ENDINGS)] if not label else "",
        reader=reader,
        label=label,
    )


def _cast(human: Actor) -> Cast:
    who = human.identity_id or ""
    return {"h": (who, "user"), "n": (who, "user")}


def _guest(world: SeededTenant, n: int) -> Identity:
    return world.guests[n % len(world.guests)].contact_at_inbox[1]


def _words(person: Identity, ref: str) -> dict[str, str]:
    return {"name": person.first_name or (person.name or "").partition(" ")[0], "ref": ref}


def _ref(n: int) -> str:
    return f"ORD-{10_101 + n}"
