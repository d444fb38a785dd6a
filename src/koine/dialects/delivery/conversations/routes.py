"""The requests for conversations: list, create or join, get (delivery.md)."""

from koine.dialects.delivery.conversations import schemas
from koine.dialects.delivery.conversations.render import render_conversations
from koine.dialects.delivery.parsing import (
    optional_id,
    optional_json,
    parse_page,
    path_id,
)
from koine.dialects.delivery.participants.schemas import NewParticipant
from koine.dialects.delivery.schemas import Common
from koine.dialects.delivery.translations import translate
from koine.engine.conversations import conversations, delivery_conversations
from koine.engine.conversations.delivery_conversations import Joining, NewDeliveryConversation
from koine.http.request import Request, Response
from koine.http.route import Routes
from koine.model.conversation import ParticipantRole, Status
from koine.model.filters import ConversationFilter
from koine.model.ids import parse_id
from koine.model.related import Include

routes = Routes()

CONVERSATIONS = "/messaging/conversations"
CONVERSATION = "/messaging/conversations/{conversation_id}"
_INCLUDE: frozenset[Include] = frozenset({"participants", "latest"})
_STATUSES: dict[str | None, tuple[Status, ...]] = {
    None: (),
    "active": ("open", "pending", "snoozed"),
    "closed": ("closed",),
}


@routes.get(
    CONVERSATIONS,
    query=schemas.ListConversations,
    returns=schemas.Conversations,
    other_statuses={400: None, 403: None},
    tags=("Conversations",),
)
async def list_conversations(
    request: Request[None, schemas.ListConversations],
) -> schemas.Conversations:
    """List conversations.

    The caller's own conversations; with `view:tenant` or `manage:messaging:tenant` all of the
    tenant's, or with `user_id` those of that user (S). Newest activity first (D).
    """
    query, actor = request.query, request.actor
    user_id = optional_id("user_id", query.user_id)
    window, limit = parse_page(query.page, query.limit)
    filters = ConversationFilter(
        kinds=(query.type,) if query.type else (),
        statuses=_STATUSES[query.status],
        participant_id=user_id,
    )
    found = await conversations.find_page(request.engine, actor, filters, window, _INCLUDE)
    return schemas.Conversations(
        True,
        translate("Conversations retrieved successfully", query.language),
        render_conversations(found, actor, user_id or actor.identity_id, request.base_url),
        found.total or 0,
        query.page,
        limit,
    )


@routes.post(
    CONVERSATIONS,
    body=schemas.CreateConversation,
    query=Common,
    returns=schemas.OneConversation,
    status=201,
    other_statuses=(200,),
    tags=("Conversations",),
)
async def create_conversation(request: Request[schemas.CreateConversation, Common]) -> Response:
    """Create a conversation; join the existing one of the delivery instead (200)."""
    body = request.body
    title = (body.title or "").strip() or None
    new = NewDeliveryConversation(
        delivery_id=optional_id("delivery_id", body.delivery_id),
        joining=_participants(body.participants),
        title=title,
        metadata=optional_json(body.metadata),
    )
    opened, is_new = await delivery_conversations.open_(request.engine, request.actor, new)
    text = f"Conversation {'created' if is_new else 'retrieved'} successfully"
    return Response(await _one(request, opened.id, text), 201 if is_new else 200)


@routes.get(
    CONVERSATION,
    query=Common,
    returns=schemas.OneConversation,
    path_types={"conversation_id": "uuid"},
    tags=("Conversations",),
)
async def get_conversation(request: Request[None, Common]) -> schemas.OneConversation:
    """Get a conversation, as a participant, with `view:tenant` or as system administrator (S)."""
    conversation_id = path_id(request.path["conversation_id"])
    return await _one(request, conversation_id, "Conversation retrieved successfully")


async def _one(
    request: Request[schemas.CreateConversation, Common] | Request[None, Common],
    conversation_id: str,
    text: str,
) -> schemas.OneConversation:
    actor = request.actor
    page = await conversations.get(request.engine, actor, conversation_id, _INCLUDE)
    rendered = render_conversations(page, actor, actor.identity_id, request.base_url)[0]
    return schemas.OneConversation(True, translate(text, request.query.language), rendered)


def _participants(requested: list[str | NewParticipant] | None) -> Joining:
    """The requested participants, each once, with the last role given for them."""
    roles: dict[str, ParticipantRole] = {}
    for number, each in enumerate(requested or ()):
        if isinstance(each, str):
            roles.setdefault(parse_id(f"participants.{number}", each), "member")
        else:
            roles[parse_id(f"participants.{number}.user_id", each.user_id)] = each.role
    return tuple(roles.items())
