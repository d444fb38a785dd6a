"""Conversations: list, open, change, remove."""

from koine.dialects.native import fields, pagination
from koine.dialects.native.auth import require_reader, require_writer
from koine.dialects.native.conversations import schemas
from koine.dialects.native.conversations.render import render_conversation
from koine.engine.conversations import conversations, delivery_conversations
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.http.query import BadQuery
from koine.http.request import AnyRequest, Request, Response
from koine.http.route import PathType, Routes
from koine.model.actor import Actor
from koine.model.conversation import Conversation, NewConversation
from koine.model.errors import Invalid
from koine.model.filters import ConversationFilter
from koine.model.ids import parse_id
from koine.model.related import Include

CONVERSATIONS = "/v1/conversations"
CONVERSATION = "/v1/conversations/{conversation_id}"
TAGS = ("Conversations",)
TYPES: dict[str, PathType] = {"conversation_id": "uuid"}
INCLUDE: frozenset[Include] = frozenset({"people", "participants"})
DELIVERY_FIELDS = frozenset({"title", "metadata", "participants", "delivery_id"})

routes = Routes()


@routes.get(
    CONVERSATIONS, query=schemas.ConversationQuery, returns=schemas.Conversations, tags=TAGS
)
async def list_conversations(
    request: Request[None, schemas.ConversationQuery],
) -> schemas.Conversations:
    """List the conversations the caller may see, newest activity first."""
    q, actor = request.query, require_reader(request)
    found = await conversations.find_page(
        request.engine,
        actor,
        _filter(q, actor),
        pagination.parse_window(q),
        INCLUDE,
        with_total=False,
    )
    rendered = [render_conversation(each, found.related, actor) for each in found.items]
    return schemas.Conversations(rendered, pagination.encode_cursor(found.next))


@routes.post(
    CONVERSATIONS,
    body=schemas.CreateConversation,
    returns=schemas.Conversation,
    status=201,
    other_statuses=(200,),
    tags=TAGS,
)
async def create_conversation(request: Request[schemas.CreateConversation, None]) -> Response:
    """Open a conversation. A delivery has one: opening it again (200) adds participants to it."""
    body, actor = request.body, require_writer(request)
    participants = tuple(
        (parse_id(f"participants.{n}.identity_id", each.identity_id), each.role)
        for n, each in enumerate(body.participants)
    )
    given = fields.provided_fields(
        body, ids=("inbox_id", "owner_id", "delivery_id"), objects=("metadata", "custom_attributes")
    )
    given["participants"] = participants
    if body.delivery_id is None:
        created = await conversations.create(request.engine, actor, NewConversation(**given))
        return Response(await _render(request, created))
    _check_delivery(body)
    new = NewDeliveryConversation(
        delivery_id=given["delivery_id"],
        joining=participants,
        title=body.title,
        metadata=given["metadata"],
    )
    created, is_new = await delivery_conversations.open_(request.engine, actor, new)
    return Response(await _render(request, created), 201 if is_new else 200)


@routes.get(CONVERSATION, returns=schemas.Conversation, path_types=TYPES, tags=TAGS)
async def get_conversation(request: Request[None, None]) -> schemas.Conversation:
    """Get one conversation."""
    conversation_id = fields.path_id(request, "conversation_id")
    found = await conversations.get(
        request.engine, require_reader(request), conversation_id, INCLUDE
    )
    return render_conversation(found.one, found.related, request.actor)


@routes.patch(
    CONVERSATION,
    body=schemas.ChangeConversation,
    returns=schemas.Conversation,
    path_types=TYPES,
    tags=TAGS,
)
async def change_conversation(
    request: Request[schemas.ChangeConversation, None],
) -> schemas.Conversation:
    """Change a conversation; an assignee joins it and takes the turn from the responder."""
    conversation_id = fields.path_id(request, "conversation_id")
    given = fields.provided_fields(
        request.body, ids=("assignee_id",), objects=("labels", "metadata", "custom_attributes")
    )
    actor = require_writer(request)
    return await _render(
        request,
        await conversations.change(
            request.engine, actor, conversation_id, ConversationChanges(**given)
        ),
    )


@routes.delete(CONVERSATION, query=schemas.RemoveQuery, status=204, path_types=TYPES, tags=TAGS)
async def remove_conversation(request: Request[None, schemas.RemoveQuery]) -> None:
    """Take a conversation out of every list, or with `mode=permanent` delete it for good."""
    conversation_id = fields.path_id(request, "conversation_id")
    if request.query.mode == "remove":
        await conversations.remove(request.engine, require_writer(request), conversation_id)
    else:
        await conversations.delete(
            request.engine,
            require_writer(request),
            conversation_id,
            request.query.reason,
            removed=True,
        )


async def _render(request: AnyRequest, conversation: Conversation) -> schemas.Conversation:
    related = await conversations.related(request.engine, request.actor, [conversation], INCLUDE)
    return render_conversation(conversation, related, request.actor)


def _filter(q: schemas.ConversationQuery, actor: Actor) -> ConversationFilter:
    participant_id = fields.parse_optional_id("participant_id", q.participant_id)
    if q.mine:
        if actor.identity_id is None or participant_id not in (None, actor.identity_id):
            raise BadQuery("mine", "is of the caller alone")
        participant_id = actor.identity_id
    return ConversationFilter(
        statuses=tuple(dict.fromkeys(q.status or ())),
        kinds=tuple(q.kind or ()),
        priority=q.priority,
        assignee_id=fields.parse_optional_id("assignee_id", q.assignee_id),
        participant_id=participant_id,
        inbox_ids=fields.parse_ids("inbox_id", q.inbox_id),
        owner_ids=fields.parse_ids("owner_id", q.owner_id),
        responder_ids=fields.parse_ids("responder_id", q.responder_id),
        responder_version_ids=fields.parse_ids("responder_version_id", q.responder_version_id),
        channel_types=tuple(q.channel_type or ()),
        shown_from=fields.parse_time("last_message_from", q.last_message_from),
        shown_to=fields.parse_end_time("last_message_to", q.last_message_to),
        search=q.search,
    )


def _check_delivery(body: schemas.CreateConversation) -> None:
    """Raises Invalid for a field that opening the conversation of a delivery would ignore."""
    default = schemas.CreateConversation()
    for name in body.__struct_fields__:
        if name not in DELIVERY_FIELDS and getattr(body, name) != getattr(default, name):
            raise Invalid(name, "unused", f"{name} cannot be given together with delivery_id")
