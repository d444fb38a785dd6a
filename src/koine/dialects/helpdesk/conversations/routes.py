"""The requests for conversations (helpdesk.md, "Endpoints")."""

from typing import Any

from koine.dialects.helpdesk.conversations import schemas
from koine.dialects.helpdesk.conversations.render import STATUSES_FOUND_BY, render_conversation
from koine.dialects.helpdesk.parsing import body_id, parse_page, path_id, render_pagination
from koine.dialects.helpdesk.schemas import Deleted
from koine.engine.conversations import conversations
from koine.engine.conversations.conversations import ConversationChanges
from koine.http.request import Request
from koine.http.route import Routes
from koine.kit.ids import canonical_id
from koine.model.conversation import Conversation, NewConversation
from koine.model.filters import ConversationFilter
from koine.model.related import Include

CONVERSATIONS = "/api/v1/conversations"
CONVERSATION = "/api/v1/conversations/{id}"
_INCLUDE: frozenset[Include] = frozenset({"people"})
routes = Routes()


@routes.get(CONVERSATIONS, query=schemas.ConversationQuery, returns=schemas.Conversations)
async def list_conversations(
    request: Request[None, schemas.ConversationQuery],
) -> schemas.Conversations:
    """List conversations, newest activity first."""
    filters = _filter(request.query)
    if filters is None:
        return schemas.Conversations(
            success=True, data=[], pagination=render_pagination(request.query, 0)
        )
    found = await conversations.find_page(
        request.engine, request.actor, filters, parse_page(request.query), _INCLUDE
    )
    people = found.related.people
    return schemas.Conversations(
        success=True,
        data=[render_conversation(each, people) for each in found.items],
        pagination=render_pagination(request.query, found.total or 0),
    )


@routes.get(CONVERSATION, returns=schemas.OneConversation, path_types={"id": "uuid"})
async def get_conversation(request: Request[None, None]) -> schemas.OneConversation:
    """Get one conversation."""
    found = await conversations.get(request.engine, request.actor, path_id(request), _INCLUDE)
    return schemas.OneConversation(
        success=True, data=render_conversation(found.one, found.related.people)
    )


@routes.post(
    CONVERSATIONS,
    body=schemas.CreateConversation,
    returns=schemas.OneConversation,
    status=201,
)
async def create_conversation(
    request: Request[schemas.CreateConversation, None],
) -> schemas.OneConversation:
    """Create an open conversation with source `api`."""
    body = request.body
    new = NewConversation(
        title=body.subject,
        inbox_id=body_id("inboxId", body.inbox_id),
        owner_id=body_id("customerId", body.customer_id),
        channel=body.channel,
        priority=body.priority,
        source="api",
    )
    created = await conversations.create(request.engine, request.actor, new)
    return await _with_people(request, created)


@routes.put(
    CONVERSATION,
    body=schemas.UpdateConversation,
    returns=schemas.OneConversation,
    path_types={"id": "uuid"},
)
async def update_conversation(
    request: Request[schemas.UpdateConversation, None],
) -> schemas.OneConversation:
    """Change subject, status, priority or assignee; absent fields are not changed."""
    body = request.body
    changes = ConversationChanges(
        title=body.subject,
        status=body.status,
        unless_status=STATUSES_FOUND_BY[body.status] if isinstance(body.status, str) else (),
        priority=body.priority,
        assignee_id=body_id("assignedTo", body.assigned_to),
    )
    changed = await conversations.change(request.engine, request.actor, path_id(request), changes)
    return await _with_people(request, changed)


@routes.delete(
    CONVERSATION,
    body=schemas.DeleteConversation,
    returns=Deleted,
    path_types={"id": "uuid"},
)
async def delete_conversation(request: Request[schemas.DeleteConversation, None]) -> Deleted:
    """Permanently delete a conversation with all its messages."""
    await conversations.delete(request.engine, request.actor, path_id(request), request.body.reason)
    return Deleted(success=True, message="Conversation deleted")


async def _with_people(
    request: Request[Any, None], written: Conversation
) -> schemas.OneConversation:
    """A conversation that was just written, with its people."""
    related = await conversations.related(request.engine, request.actor, [written], _INCLUDE)
    return schemas.OneConversation(success=True, data=render_conversation(written, related.people))


def _filter(query: schemas.ConversationQuery) -> ConversationFilter | None:
    """The filter of a list; None if an id is malformed, so that nothing can match (D)."""
    ids = {
        name: canonical_id(text)
        for name in ("assigned_to", "inbox_id", "customer_id")
        if (text := getattr(query, name)) is not None
    }
    if None in ids.values():
        return None
    inbox_id, customer_id = ids.get("inbox_id"), ids.get("customer_id")
    return ConversationFilter(
        statuses=STATUSES_FOUND_BY[query.status] if query.status else (),
        priority=query.priority,
        assignee_id=ids.get("assigned_to"),
        inbox_ids=(inbox_id,) if inbox_id else (),
        owner_ids=(customer_id,) if customer_id else (),
    )
