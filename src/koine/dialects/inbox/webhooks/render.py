"""From the engine's events to the payloads of the webhook. Pure."""

from typing import Any

from msgspec import UNSET, Raw, Struct

from koine.dialects.inbox.contacts.render import View, render_sender_for_tenant
from koine.dialects.inbox.contacts.schemas import ContactSender
from koine.dialects.inbox.conversations.render import STATUSES
from koine.dialects.inbox.messages import schemas as message_schemas
from koine.dialects.inbox.messages.render import SENDER_TYPES, render_message
from koine.dialects.inbox.webhooks import schemas
from koine.engine.core.attributes import public_attributes
from koine.kit.times import iso_ms, unix
from koine.model.conversation import Conversation
from koine.model.display_name import display_name
from koine.model.event import Change
from koine.model.identity import Identity
from koine.model.inbox import Inbox
from koine.model.message import Message
from koine.model.tenant import Tenant

_ATTRIBUTES = {
    "status": "status",
    "assignee_id": "assignee_id",
    "priority": "priority",
    "custom_attributes": "custom_attributes",
    "labels": "label_list",
}
"""Fields of a conversation that the original has, too, and their names there. A change of any other
is not in `changed_attributes`."""
_MESSAGE_TYPES = ("incoming", "outgoing", "activity", "template")


class PayloadContext(Struct, frozen=True):
    """What every payload refers to: the tenant, the inbox, the conversation, the people by id, and
    the URL below which files are fetched."""

    tenant: Tenant
    inbox: Inbox
    conversation: Conversation
    people: dict[str, Identity]
    base_url: str


def render_message_event(name: str, context: PayloadContext, m: Message) -> schemas.MessageEvent:
    """A message that was sent or changed."""
    view = View(context.tenant, context.inbox, None, context.base_url)
    rendered = render_message(view, context.conversation, m, context.people)
    return schemas.MessageEvent(
        account=render_account(context.tenant),
        content_attributes=rendered.content_attributes,
        content_type=rendered.content_type,
        content=m.content,
        conversation=schemas.ConversationOfMessage(
            **_conversation_fields(context), messages=[_contained_message(context, m, rendered)]
        ),
        created_at=iso_ms(m.created_at),
        id=rendered.id,
        inbox=schemas.InboxName(context.inbox.number, context.inbox.name),
        message_type=_MESSAGE_TYPES[rendered.message_type],
        private=m.private,
        sender=None if rendered.sender is UNSET else rendered.sender,
        attachments=rendered.attachments,
        event=name,
    )


def render_conversation_event(
    name: str, context: PayloadContext, change: Change | None
) -> schemas.ConversationEvent:
    """A conversation that was created (no `change`) or changed."""
    return schemas.ConversationEvent(
        **_conversation_fields(context),
        event=name,
        account=render_account(context.tenant),
        inbox=schemas.InboxName(context.inbox.number, context.inbox.name),
        changed_attributes=UNSET if change is None else _changed_attributes(context, change),
    )


def render_account(tenant: Tenant) -> schemas.Account:
    """The tenant, which the original calls an account."""
    return schemas.Account(tenant.number, tenant.name)


def _conversation_fields(context: PayloadContext) -> dict[str, Any]:
    """The fields of `schemas.Conversation`, which every payload extends."""
    c, people = context.conversation, context.people
    owner, assignee = people.get(c.owner_id or ""), people.get(c.assignee_id or "")
    return {
        "id": c.number,
        "uuid": c.id,
        "account_id": context.tenant.number,
        "inbox_id": context.inbox.number,
        "status": STATUSES[c.status],
        "priority": c.priority,
        "contact_inbox": schemas.ContactInbox(c.source_id),
        "meta": schemas.Meta(
            render_sender_for_tenant(context.inbox, owner) if owner else None,
            _assignee(assignee) if assignee else None,
        ),
        "labels": Raw(c.labels.encode()),
        "custom_attributes": Raw(public_attributes(c.custom_attributes).encode()),
        "contact_last_seen_at": unix(c.contact_seen_at or 0),
        "agent_last_seen_at": unix(c.agent_seen_at or 0),
        "last_activity_at": unix(c.last_activity_at),
        "created_at": unix(c.created_at),
        "timestamp": unix(c.last_activity_at),
    }


def _assignee(user: Identity) -> schemas.Assignee:
    return schemas.Assignee(user.number, display_name(user), user.email)


def _contained_message(
    context: PayloadContext, m: Message, rendered: message_schemas.Message
) -> schemas.ContainedMessage:
    sender_id = m.sender_number
    if isinstance(rendered.sender, ContactSender):
        sender_id = rendered.sender.id
    return schemas.ContainedMessage(
        id=rendered.id,
        content=rendered.content,
        account_id=context.tenant.number,
        inbox_id=context.inbox.number,
        conversation_id=rendered.conversation_id,
        message_type=rendered.message_type,
        created_at=rendered.created_at,
        updated_at=iso_ms(m.updated_at),
        private=m.private,
        content_type=rendered.content_type,
        content_attributes=rendered.content_attributes,
        sender_type=SENDER_TYPES[m.sender_kind],
        sender_id=sender_id,
        processed_message_content=rendered.content,
        attachments=rendered.attachments,
        sender=rendered.sender,
    )


def _changed_attributes(
    context: PayloadContext, change: Change
) -> list[dict[str, schemas.ChangedValue]]:
    """The changed attributes under the original's names. The event log keeps no former value of
    labels and attributes, which people write."""
    return [
        {
            _ATTRIBUTES[name]: schemas.ChangedValue(
                _value(context, name, change.previous.get(name)), _current(context, name, value)
            )
        }
        for name, value in change.changed.items()
        if name in _ATTRIBUTES
    ]


def _current(context: PayloadContext, name: str, value: Any) -> object:
    if name in ("labels", "custom_attributes"):
        return Raw(getattr(context.conversation, name).encode())
    return _value(context, name, value)


def _value(context: PayloadContext, name: str, value: Any) -> object:
    """A value of the event log as this dialect writes it."""
    if name == "status":
        return STATUSES.get(value)
    if name == "assignee_id":
        assignee = context.people.get(value or "")
        return assignee.number if assignee else None
    return value
