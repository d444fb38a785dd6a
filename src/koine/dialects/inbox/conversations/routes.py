"""The contact's conversations: list, create, get, resolve; typing and read marks."""

import contextlib
from functools import partial

from koine.dialects.inbox.auth import contact_caller
from koine.dialects.inbox.budgets import budgets_of
from koine.dialects.inbox.contacts.render import contact_view
from koine.dialects.inbox.conversations import schemas
from koine.dialects.inbox.conversations.render import render_conversation
from koine.dialects.inbox.path_params import CONTACT, CONVERSATION, NUMBERED, path_number
from koine.engine.conversations import contact_conversations
from koine.http.request import Request
from koine.http.route import Routes
from koine.model.display_name import display_name
from koine.model.errors import Unavailable
from koine.model.identity import Identity
from koine.realtime.reader import EphemeralEvent

TAGS = ("Conversations",)

routes = Routes()


@routes.get(
    CONTACT + "/conversations",
    returns=list[schemas.Conversation],
    other_statuses=(401, 403, 404, 429),
    tags=TAGS,
)
async def list_conversations(request: Request[None, None]) -> list[schemas.Conversation]:
    """List the contact's conversations, each with its messages."""
    caller = contact_caller(request)
    page = await contact_conversations.list_all(request.engine, request.actor, caller)
    view = contact_view(caller, request.base_url)
    return [render_conversation(view, each, page.related) for each in page.items]


async def _replay_creation(
    request: Request[schemas.ConversationCreate, None],
) -> schemas.Conversation:
    """The conversation that was created, as it is now."""
    return await _with_messages(request, int(request.created_ids))


async def _replay(request: Request[None, None]) -> schemas.Conversation:
    """The conversation of the path, as it is now."""
    return await _with_messages(request, path_number(request, "conversation"))


@routes.post(
    CONTACT + "/conversations",
    replay=_replay_creation,
    body=schemas.ConversationCreate,
    returns=schemas.Conversation,
    forms=True,
    other_statuses=(400, 401, 403, 404, 422, 429),
    tags=TAGS,
)
async def create_conversation(
    request: Request[schemas.ConversationCreate, None],
) -> schemas.Conversation:
    """Create a conversation."""
    created = await contact_conversations.open_(
        request.engine,
        request.actor,
        contact_caller(request),
        request.body.custom_attributes or {},
        partial(budgets_of(request).admit_conversation, request),
    )
    request.created_ids = str(created.number)
    return await _with_messages(request, created.number)


@routes.get(
    CONVERSATION,
    returns=schemas.Conversation,
    other_statuses=(401, 403, 404, 429),
    path_types=NUMBERED,
    tags=TAGS,
)
async def get_conversation(request: Request[None, None]) -> schemas.Conversation:
    """Get a conversation with its messages."""
    return await _with_messages(request, path_number(request, "conversation"))


@routes.post(
    CONVERSATION + "/toggle_status",
    replay=_replay,
    returns=schemas.Conversation,
    other_statuses=(401, 403, 404, 429),
    path_types=NUMBERED,
    tags=TAGS,
)
async def toggle_status(request: Request[None, None]) -> schemas.Conversation:
    """Resolve a conversation; a resolved one is not changed."""
    number, caller = path_number(request, "conversation"), contact_caller(request)
    await contact_conversations.resolve(request.engine, request.actor, caller, number)
    return await _with_messages(request, number)


@routes.post(
    CONVERSATION + "/toggle_typing",
    body=schemas.Typing,
    forms=True,
    other_statuses=(401, 403, 404, 429),
    path_types=NUMBERED,
    idempotent=False,
    tags=TAGS,
)
async def toggle_typing(request: Request[schemas.Typing, None]) -> None:
    """Report that the contact is typing, or has stopped."""
    number, caller = path_number(request, "conversation"), contact_caller(request)
    conversation = await contact_conversations.get(request.engine, request.actor, caller, number)
    contact, status = caller.contact_at_inbox[1], request.body.typing_status
    if status not in ("on", "off") or contact.blocked:
        return
    # Typing is stored nowhere: while the bus is unavailable it is lost, and that is no error.
    with contextlib.suppress(Unavailable):
        event = _typing(contact, request.actor.tenant_id, conversation.id, status == "on")
        request.realtime.publish_ephemeral(event)


@routes.post(
    CONVERSATION + "/update_last_seen",
    other_statuses=(401, 403, 404, 429),
    path_types=NUMBERED,
    tags=TAGS,
)
async def update_last_seen(request: Request[None, None]) -> None:
    """Mark the whole conversation as seen by the contact."""
    number = path_number(request, "conversation")
    await contact_conversations.mark_read(
        request.engine, request.actor, contact_caller(request), number
    )


def _typing(
    contact: Identity, tenant_id: str, conversation_id: str, active: bool
) -> EphemeralEvent:
    return EphemeralEvent(
        tenant_id=tenant_id,
        kind="typing",
        identity_id=contact.id,
        identity_kind="contact",
        name=display_name(contact),
        conversation_id=conversation_id,
        active=active,
        number=contact.number,
    )


async def _with_messages(
    request: Request[schemas.ConversationCreate, None] | Request[None, None], number: int
) -> schemas.Conversation:
    caller = contact_caller(request)
    found = await contact_conversations.with_messages(request.engine, request.actor, caller, number)
    return render_conversation(contact_view(caller, request.base_url), found.one, found.related)
