"""Satisfaction surveys: sent when a conversation is closed, answered by its contact (inbox.md, F).

An answer comes in parts: first a rating, later perhaps a text. Each part is merged with the others.
"""

from typing import Any

from msgspec import Struct

from koine.engine.auth import suspension
from koine.engine.contacts.inboxes import inbox_settings
from koine.engine.core.engine import Engine
from koine.engine.sending.send import SendRequest, send_batch
from koine.kit import logs
from koine.kit.times import DAY
from koine.model.actor import Actor
from koine.model.conversation import Conversation
from koine.model.errors import Conflict, NotFound
from koine.model.inbox import Inbox, InboxSettings
from koine.model.message import Draft, Message
from koine.model.tenant import Tenant
from koine.store import tenants
from koine.store.contacts import inboxes
from koine.store.conversations import conversations
from koine.store.conversations import messages as rows
from koine.store.core.db import Tx

SURVEY_CONTENT_TYPE = "input_csat"
OPEN_FOR = 14 * DAY


class SurveyClosed(Conflict):
    """The survey is older than 14 days."""

    def __init__(self) -> None:
        super().__init__("closed", "You cannot update the CSAT survey after 14 days")


class SurveyPage(Struct, frozen=True):
    """A survey with what its page shows, and the contact that may answer it."""

    tenant: Tenant
    inbox: Inbox
    conversation: Conversation
    message: Message
    actor: Actor


async def send_survey_tx(tx: Tx, now: int, closed: Conversation) -> Conversation:
    """Send the survey of a conversation that was just closed, in the transaction that closed it: so
    it is sent exactly once for each closing.

    It is only sent if the inbox has surveys enabled and the contact has written something
    (inbox.md, D). Returns the conversation as it is afterwards.
    """
    inbox = await inboxes.get(tx, closed.inbox_id) if closed.inbox_id else None
    settings = inbox_settings(inbox) if inbox else InboxSettings()
    if not settings.csat_survey_enabled or not await rows.has_from(tx, closed.id, "contact"):
        return closed
    draft = Draft(
        type="template",
        content=settings.csat_message,
        content_type=SURVEY_CONTENT_TYPE,
        content_attributes='{"display_type":"emoji"}',
        sender_kind="system",
    )
    await send_batch(tx, now, [SendRequest(tx.tenant_id, closed.id, draft, logs.request_id())])
    return await conversations.get(tx, closed.id) or closed


async def open_page(engine: Engine, conversation_id: str) -> SurveyPage:
    """The survey of a conversation, known by its id alone. Raises NotFound where there is none,
    TenantSuspended."""
    tenant_id = await engine.db.read("", conversations.tenant_of, conversation_id)
    if tenant_id is None:
        raise NotFound("survey")
    return await engine.db.read(tenant_id, _open_page, conversation_id)


def check_open(message: Message, now: int) -> None:
    """Raise SurveyClosed for a survey that was sent too long ago; `now` in µs."""
    if message.content_type == SURVEY_CONTENT_TYPE and now - message.created_at > OPEN_FOR:
        raise SurveyClosed


async def _open_page(tx: Tx, conversation_id: str) -> SurveyPage:
    tenant = await tenants.get(tx, tx.tenant_id)
    found = await conversations.get(tx, conversation_id)
    if tenant is None or found is None or found.removed_at is not None or found.owner_id is None:
        raise NotFound("survey")
    inbox = await inboxes.get(tx, found.inbox_id) if found.inbox_id else None
    message = await rows.newest_of_type(tx, found.id, SURVEY_CONTENT_TYPE)
    if inbox is None or message is None:
        raise NotFound("survey")
    suspension.require_active(tenant)
    actor = Actor(tenant_id=tenant.id, kind="contact", identity_id=found.owner_id)
    return SurveyPage(tenant, inbox, found, message, actor)


_VALUES, _ANSWER = "submitted_values", "csat_survey_response"


def merge_answer(before: dict[str, Any], submitted: dict[str, Any]) -> dict[str, Any]:
    """The submitted values, with those parts of the former answer that they do not replace."""
    earlier = answer_in(before.get(_VALUES))
    if not earlier:
        return submitted
    values = submitted.get(_VALUES)
    whole = {_ANSWER: earlier | (answer_in(values) or {})}
    if isinstance(values, list):
        others = [{n: v for n, v in each.items() if n != _ANSWER} for each in values]
        return submitted | {_VALUES: [whole, *filter(None, others)]}
    return submitted | {_VALUES: (values or {}) | whole}


def answer_in(values: Any) -> dict[str, Any] | None:
    """The answer in submitted values, which are one object or a list of objects."""
    for each in values if isinstance(values, list) else [values]:
        answer = each.get(_ANSWER) if isinstance(each, dict) else None
        if isinstance(answer, dict):
            return answer
    return None
