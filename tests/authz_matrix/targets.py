"""What is called for: things of one's own, of others, of the rival, of nobody, and nonsense.

`own` is what Dan, Cleo and Carol take part in; `other` is of the same tenant, and they do not.
"""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from koine.engine.auth import api_keys
from koine.engine.contacts import inboxes
from koine.engine.contacts.inboxes import NewInbox
from koine.engine.conversations import conversations, messages, tickets
from koine.engine.conversations.surveys import SURVEY_CONTENT_TYPE
from koine.engine.core.context import Engine
from koine.engine.people import directory, responders
from koine.engine.people.responders import NewResponder
from koine.engine.webhooks import endpoints
from koine.kit.ids import new_id
from koine.model.actor import Actor, operator
from koine.model.conversation import Conversation, NewConversation, ParticipantRole
from koine.model.delivery import Delivery
from koine.model.identity import NewIdentity
from koine.model.message import Draft
from koine.store.conversations import conversations as conversation_rows
from koine.store.conversations import messages as message_rows
from koine.store.people import deliveries
from tests.cast import Cast, Company

OBJECTS = ("own", "other", "rival", "random", "malformed")
MARKS = {"acme": "canary-of-acme", "rival": "canary-of-the-rival"}
"""In the names and titles of each: none may be in an answer to the other, or to nobody."""


class Targets:
    """Finds or makes what a cell is about; `company` is the caller's, so that a rival's is the
    other company's."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self._made: dict[tuple[str, str, bool], str] = {}

    async def id(self, noun: str, company: str, which: str) -> str:
        """The id of a thing: the same one until all are spent."""
        if which == "random":
            return "999999999" if noun in NUMBERS else "00000000-0000-7000-8000-000000000000"
        if which == "malformed":
            return "no-such-form-of-id"
        if which == "rival":
            company = "acme" if company == "rival" else "rival"
        key = (noun, company, which == "other")
        if key not in self._made:
            of: Company = getattr(self.cast, company)
            making = TargetFactory(self, of, company, which == "other", MARKS[company])
            self._made[key] = await MAKERS[noun](making)
        return self._made[key]

    def spend_all(self) -> None:
        """Something was changed: the next cell gets new things."""
        self._made.clear()


class TargetFactory(Struct):
    """What a maker needs: whose it is to be, and what it is to be called."""

    things: Targets
    of: Company
    company: str
    others: bool
    mark: str

    @property
    def engine(self) -> Engine:
        return self.things.cast.engine

    @property
    def boss(self) -> Actor:
        return operator(self.of.tenant.id)

    def draft(self) -> Draft:
        """A word of Alice's with the mark in it."""
        return Draft(content=self.mark, sender_id=self.of.id("alice"))

    async def near(self, noun: str) -> str:
        """The thing of another noun that belongs with this one."""
        return await self.things.id(noun, self.company, "other" if self.others else "own")


async def _conversation(m: TargetFactory) -> str:
    who = "dave" if m.others else "carol"
    joining = () if m.others else ((m.of.id("dan"), "member"), (m.of.id("cleo"), "member"))
    return (await _talk(m, who, joining)).id  # type: ignore[arg-type]  # "member" is a role


async def _number(m: TargetFactory) -> str:
    return str((await _talk(m, "dave" if m.others else "carol")).number)


async def _ivys(m: TargetFactory) -> str:
    return str((await _talk(m, "dave" if m.others else "ivy")).number)


async def _talk(
    m: TargetFactory, who: str, joining: tuple[tuple[str, ParticipantRole], ...] = ()
) -> Conversation:
    place = m.of.places[who]
    new = NewConversation(
        kind="order", title=m.mark, inbox_id=place.inbox_id, owner_id=m.of.id(who),
        source_id=place.source_id, participants=joining,
    )  # fmt: skip
    made = await conversations.create(m.engine, m.boss, new)
    await messages.send(m.engine, m.boss, made.id, m.draft())
    return made


async def _message(m: TargetFactory) -> str:
    talk = await m.near("conversation")
    return (await messages.send(m.engine, m.boss, talk, m.draft())).id


async def _said(m: TargetFactory) -> str:
    return await _first_in(m, await m.near("number"))


async def _said_by_ivy(m: TargetFactory) -> str:
    return await _first_in(m, await m.near("number of ivy"))


async def _first_in(m: TargetFactory, conversation: str) -> str:
    """The number of the first message in the conversation with this number."""
    db, tenant = m.engine.db, m.of.tenant.id
    found = await db.read(tenant, conversation_rows.by_number, int(conversation))
    assert found is not None
    first = await db.read(tenant, message_rows.by_seq, found.id, 1)
    assert first is not None
    return str(first.number)


async def _ticket(m: TargetFactory) -> str:
    return (await tickets.open_(m.engine, m.boss, await m.near("conversation"))).id


async def _survey(m: TargetFactory) -> str:
    conversation_id = await m.near("conversation")
    question = Draft(
        type="template",
        content="How was it?",
        content_type=SURVEY_CONTENT_TYPE,
        sender_kind="system",
    )
    await messages.send_unchecked(m.engine, m.boss, conversation_id, question)
    return conversation_id


async def _inbox(m: TargetFactory) -> str:
    return (await inboxes.create(m.engine, m.boss, NewInbox(name=m.mark))).id


async def _contact(m: TargetFactory) -> str:
    new = NewIdentity(kind="contact", name=m.mark)
    return (await directory.create(m.engine, m.boss, new)).id


async def _user(m: TargetFactory) -> str:
    new = NewIdentity(kind="user", name=m.mark, email=f"{m.mark}-{new_id()}@team.test")
    return (await directory.create(m.engine, m.boss, new)).id


async def _dan(m: TargetFactory) -> str:
    return m.of.id("dan")


async def _responder(m: TargetFactory) -> str:
    new = NewResponder(kind="agent", name=m.mark, picture=None, settings="{}")
    return (await responders.create(m.engine, m.boss, new)).identity.id


async def _delivery(m: TargetFactory) -> str:
    customer, driver = ("olaf", "alice") if m.others else ("cleo", "dan")
    made = Delivery(
        new_id(), f"{m.mark}-{new_id()}", "C", m.of.id(customer), m.of.id(driver), "active", 1, 1
    )
    await m.engine.db.write(m.of.tenant.id, deliveries.insert_many, [made])
    return made.id


async def _key(m: TargetFactory) -> str:
    who = m.of.id("alice")
    return (await api_keys.create(m.engine, m.boss, m.mark, frozenset(), user_id=who)).key.id


async def _hook(m: TargetFactory) -> str:
    return await _endpoint(m, "native")


async def _desk_hook(m: TargetFactory) -> str:
    return await _endpoint(m, "helpdesk")


async def _endpoint(m: TargetFactory, dialect: str) -> str:
    # No request leaves: nobody has this name.
    new = endpoints.NewEndpoint(name=m.mark, url="https://hooks.example.com/x", dialect=dialect)
    return (await endpoints.create(m.engine, m.boss, new)).endpoint.id


NUMBERS = {"number", "number of ivy", "said", "said by ivy"}
MAKERS: dict[str, Callable[[TargetFactory], Awaitable[str]]] = {
    "conversation": _conversation,
    "number": _number,
    "number of ivy": _ivys,
    "message": _message,
    "said": _said,
    "said by ivy": _said_by_ivy,
    "ticket": _ticket,
    "survey": _survey,
    "inbox": _inbox,
    "contact": _contact,
    "namesake": _contact,
    "user": _user,
    "dan": _dan,
    "responder": _responder,
    "delivery": _delivery,
    "key": _key,
    "hook": _hook,
    "desk hook": _desk_hook,
}
