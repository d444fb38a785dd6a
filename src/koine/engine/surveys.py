"""The question how a conversation went, and its answer (inbox.md, F)."""

from msgspec import Struct

from koine.engine import messages
from koine.engine.engine import Engine
from koine.engine.inboxes import settings_of
from koine.kit.times import DAY
from koine.model.actor import Actor
from koine.model.conversation import Conversation
from koine.model.errors import Conflict, NotFound
from koine.model.inbox import Inbox
from koine.model.message import Draft, Message
from koine.model.tenant import Tenant
from koine.store import conversations, inboxes, tenants
from koine.store import messages as rows
from koine.store.db import Tx

SURVEY = "input_csat"
CLIENT_KEY = "csat-survey"
"""Unique in a conversation for ever, so however often it is closed, one survey is sent."""
OPEN_FOR = 14 * DAY


class SurveyClosed(Conflict):
    """The survey is older than 14 days."""

    def __init__(self) -> None:
        super().__init__("closed", "You cannot update the CSAT survey after 14 days")


class Survey(Struct, frozen=True):
    """A survey with what is shown around it, and the contact who may answer it."""

    tenant: Tenant
    inbox: Inbox
    conversation: Conversation
    message: Message
    actor: Actor


async def follow(engine: Engine, actor: Actor, closed: Conversation) -> None:
    """Ask how a conversation went that was just closed, if its inbox wants to know."""
    if closed.inbox_id is None:
        return
    inbox = await engine.db.read(actor.tenant_id, inboxes.get, closed.inbox_id)
    if inbox is not None and (settings := settings_of(inbox)).csat_survey_enabled:
        await send(engine, actor, closed.id, settings.csat_message)


async def send(engine: Engine, actor: Actor, conversation_id: str, question: str) -> None:
    """Ask, unless it was asked before."""
    draft = Draft(
        type="template",
        content=question,
        content_type=SURVEY,
        content_attributes='{"display_type":"emoji"}',
        sender_kind="system",
        client_key=CLIENT_KEY,
    )
    await messages.deliver(engine, actor, conversation_id, draft)


async def enter(engine: Engine, conversation_id: str) -> Survey:
    """The survey of a conversation, known by its id alone. Raises NotFound where there is none."""
    tenant_id = await engine.db.read("", conversations.tenant_of, conversation_id)
    if tenant_id is None:
        raise NotFound("survey")
    return await engine.db.read(tenant_id, _enter, conversation_id)


def check_open(message: Message, now: int) -> None:
    """Raise SurveyClosed for a survey that was sent too long ago; `now` in µs."""
    if message.content_type == SURVEY and now - message.created_at > OPEN_FOR:
        raise SurveyClosed


async def _enter(tx: Tx, conversation_id: str) -> Survey:
    tenant = await tenants.get(tx, tx.tenant_id)
    found = await conversations.get(tx, conversation_id)
    if tenant is None or found is None or found.removed_at is not None or found.owner_id is None:
        raise NotFound("survey")
    inbox = await inboxes.get(tx, found.inbox_id) if found.inbox_id else None
    message = await rows.newest_of_type(tx, found.id, SURVEY)
    if inbox is None or message is None:
        raise NotFound("survey")
    actor = Actor(tenant_id=tenant.id, kind="contact", identity_id=found.owner_id)
    return Survey(tenant, inbox, found, message, actor)
