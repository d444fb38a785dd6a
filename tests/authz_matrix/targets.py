"""The targets of the requests: the caller's own, another's, another tenant's, random and malformed.

Dan, Cleo and Carol take part in `own` targets; `other` ones are of the same tenant, without them.
"""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from koine.engine.auth import api_keys
from koine.engine.contacts import inboxes
from koine.engine.contacts.inboxes import NewInbox
from koine.engine.conversations import conversations, messages, tickets
from koine.engine.conversations.surveys import SURVEY_CONTENT_TYPE
from koine.engine.core.engine import Engine
from koine.engine.people import directory, responders
from koine.engine.people.responders import NewResponder
from koine.engine.personal_data import erasure
from koine.engine.retention import holds
from koine.engine.webhooks import endpoints
from koine.kit.ids import new_id
from koine.model.actor import Actor, operator
from koine.model.conversation import Conversation, NewConversation, ParticipantRole
from koine.model.delivery import Delivery
from koine.model.identity import NewIdentity
from koine.model.message import Draft
from koine.store import deliveries
from koine.store.conversations import conversations as conversation_rows
from koine.store.conversations import messages as message_rows
from tests.cast import Cast, CastTenant

VARIANTS = ("own", "other", "rival", "random", "malformed")
MARKS = {"acme": "canary-of-acme", "rival": "canary-of-the-rival"}
"""In names and titles of each tenant: no response to another tenant may contain it."""


class Targets:
    """Finds or creates the target of a cell. `company` is the caller's; a `rival` target belongs to
    the other one."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self._created: dict[tuple[str, str, bool], str] = {}

    async def id(self, kind: str, company: str, which: str) -> str:
        """The id of a target: the same one until `forget_all`."""
        if which == "random":
            return "999999999" if kind in NUMBERS else "00000000-0000-7000-8000-000000000000"
        if which == "malformed":
            return "no-such-form-of-id"
        if which == "rival":
            company = "acme" if company == "rival" else "rival"
        key = (kind, company, which == "other")
        if key not in self._created:
            of: CastTenant = getattr(self.cast, company)
            factory = TargetFactory(self, of, company, which == "other", MARKS[company])
            self._created[key] = await FACTORIES[kind](factory)
        return self._created[key]

    def forget_all(self) -> None:
        """Create new targets for the next cell, since a request has changed these."""
        self._created.clear()


class TargetFactory(Struct):
    """Creates one target: for which company, own or another's, and the mark in its name."""

    targets: Targets
    of: CastTenant
    company: str
    others: bool
    mark: str

    @property
    def engine(self) -> Engine:
        return self.targets.cast.engine

    @property
    def admin(self) -> Actor:
        return operator(self.of.tenant.id)

    def draft(self) -> Draft:
        """A message of Alice's that contains the mark."""
        return Draft(content=self.mark, sender_id=self.of.id("alice"))

    async def related(self, kind: str) -> str:
        """The id of the target of another kind that this one belongs to."""
        return await self.targets.id(kind, self.company, "other" if self.others else "own")


async def _conversation(m: TargetFactory) -> str:
    who = "dave" if m.others else "carol"
    joining = () if m.others else ((m.of.id("dan"), "member"), (m.of.id("cleo"), "member"))
    return (await _create_conversation(m, who, joining)).id  # type: ignore[arg-type]  # "member" is a role


async def _number(m: TargetFactory) -> str:
    return str((await _create_conversation(m, "dave" if m.others else "carol")).number)


async def _number_of_ivy(m: TargetFactory) -> str:
    return str((await _create_conversation(m, "dave" if m.others else "ivy")).number)


async def _create_conversation(
    m: TargetFactory, who: str, joining: tuple[tuple[str, ParticipantRole], ...] = ()
) -> Conversation:
    contact_inbox = m.of.contact_inboxes[who]
    new = NewConversation(
        kind="order", title=m.mark, inbox_id=contact_inbox.inbox_id, owner_id=m.of.id(who),
        source_id=contact_inbox.source_id, participants=joining,
    )  # fmt: skip
    created = await conversations.create(m.engine, m.admin, new)
    await messages.send(m.engine, m.admin, created.id, m.draft())
    return created


async def _message(m: TargetFactory) -> str:
    conversation = await m.related("conversation")
    return (await messages.send(m.engine, m.admin, conversation, m.draft())).id


async def _numbered_message(m: TargetFactory) -> str:
    return await _first_in(m, await m.related("number"))


async def _numbered_message_of_ivy(m: TargetFactory) -> str:
    return await _first_in(m, await m.related("number of ivy"))


async def _first_in(m: TargetFactory, conversation: str) -> str:
    """The number of the first message in the conversation with this number."""
    db, tenant = m.engine.db, m.of.tenant.id
    found = await db.read(tenant, conversation_rows.get_by_number, int(conversation))
    assert found is not None
    first = await db.read(tenant, message_rows.get_by_seq, found.id, 1)
    assert first is not None
    return str(first.number)


async def _ticket(m: TargetFactory) -> str:
    return (await tickets.open_(m.engine, m.admin, await m.related("conversation"))).id


async def _survey(m: TargetFactory) -> str:
    conversation_id = await m.related("conversation")
    question = Draft(
        type="template",
        content="How was it?",
        content_type=SURVEY_CONTENT_TYPE,
        sender_kind="system",
    )
    await messages.send_unchecked(m.engine, m.admin, conversation_id, question)
    return conversation_id


async def _inbox(m: TargetFactory) -> str:
    return (await inboxes.create(m.engine, m.admin, NewInbox(name=m.mark))).id


async def _contact(m: TargetFactory) -> str:
    new = NewIdentity(kind="contact", name=m.mark)
    return (await directory.create(m.engine, m.admin, new)).id


async def _user(m: TargetFactory) -> str:
    new = NewIdentity(kind="user", name=m.mark, email=f"{m.mark}-{new_id()}@team.test")
    return (await directory.create(m.engine, m.admin, new)).id


async def _hold(m: TargetFactory) -> str:
    conversation_id = await m.related("conversation")
    placed = await holds.place(m.engine, m.admin, "conversation", conversation_id, m.mark)
    return placed.subject_id


async def _erasure(m: TargetFactory) -> str:
    contact_id = await _contact(m)
    return (await erasure.request(m.engine, m.admin, contact_id)).erasure.id


async def _dan(m: TargetFactory) -> str:
    return m.of.id("dan")


async def _responder(m: TargetFactory) -> str:
    new = NewResponder(kind="agent", name=m.mark, picture=None, settings="{}")
    return (await responders.create(m.engine, m.admin, new)).identity.id


async def _delivery(m: TargetFactory) -> str:
    customer, driver = ("olaf", "alice") if m.others else ("cleo", "dan")
    created = Delivery(
        new_id(), f"{m.mark}-{new_id()}", "C", m.of.id(customer), m.of.id(driver), "active", 1, 1
    )
    await m.engine.db.write(m.of.tenant.id, deliveries.insert_many, [created])
    return created.id


async def _key(m: TargetFactory) -> str:
    who = m.of.id("alice")
    return (await api_keys.create(m.engine, m.admin, m.mark, frozenset(), user_id=who)).key.id


async def _webhook(m: TargetFactory) -> str:
    return await _endpoint(m, "native")


async def _helpdesk_webhook(m: TargetFactory) -> str:
    return await _endpoint(m, "helpdesk")


async def _endpoint(m: TargetFactory, dialect: str) -> str:
    # Nothing is sent: this name has no address.
    new = endpoints.NewEndpoint(name=m.mark, url="https://hooks.example.com/x", dialect=dialect)
    return (await endpoints.create(m.engine, m.admin, new)).endpoint.id


NUMBERS = {"number", "number of ivy", "numbered_message", "numbered_message_of_ivy"}
FACTORIES: dict[str, Callable[[TargetFactory], Awaitable[str]]] = {
    "conversation": _conversation,
    "number": _number,
    "number of ivy": _number_of_ivy,
    "message": _message,
    "numbered_message": _numbered_message,
    "numbered_message_of_ivy": _numbered_message_of_ivy,
    "ticket": _ticket,
    "survey": _survey,
    "inbox": _inbox,
    "contact": _contact,
    "namesake": _contact,
    "user": _user,
    "erasure": _erasure,
    "hold": _hold,
    "dan": _dan,
    "responder": _responder,
    "delivery": _delivery,
    "key": _key,
    "webhook": _webhook,
    "helpdesk webhook": _helpdesk_webhook,
}
