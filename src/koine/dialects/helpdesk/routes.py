"""The conversations of a helpdesk (helpdesk.md, "Endpoints")."""

from typing import Any, TypeVar

from koine.dialects.helpdesk import (
    encoder,
    paths,
    routes_directory,
    routes_messages,
    routes_webhooks,
    shapes,
    wire,
)
from koine.engine.conversations import conversations
from koine.engine.conversations.conversations import ConversationChanges
from koine.http.request import Request
from koine.http.route import Routes
from koine.kit.ids import canonical_id
from koine.model.conversation import Conversation, NewConversation
from koine.model.errors import Invalid
from koine.model.filters import ConversationFilter
from koine.model.related import Include

_INCLUDE: frozenset[Include] = frozenset({"people"})

T = TypeVar("T")

routes = Routes()


@routes.get(paths.CONVERSATIONS, query=wire.ConversationQuery, returns=wire.Conversations)
async def list_conversations(call: Request[None, wire.ConversationQuery]) -> wire.Conversations:
    """List conversations, newest activity first."""
    wanted = _filter(call.query)
    if wanted is None:
        return wire.Conversations(success=True, data=[], pagination=paths.pagination(call.query, 0))
    found = await conversations.find(
        call.engine, call.actor, wanted, paths.window(call.query), _INCLUDE
    )
    people = found.related.people
    return wire.Conversations(
        success=True,
        data=[shapes.render_conversation(each, people) for each in found.items],
        pagination=paths.pagination(call.query, found.total or 0),
    )


@routes.get(paths.CONVERSATION, returns=wire.OneConversation, path_types={"id": "uuid"})
async def get_conversation(call: Request[None, None]) -> wire.OneConversation:
    """Get one conversation."""
    found = await conversations.get(call.engine, call.actor, paths.path_id(call), _INCLUDE)
    return wire.OneConversation(
        success=True, data=shapes.render_conversation(found.one, found.related.people)
    )


@routes.post(
    paths.CONVERSATIONS,
    body=wire.CreateConversation,
    returns=wire.OneConversation,
    status=201,
)
async def create_conversation(
    call: Request[wire.CreateConversation, None],
) -> wire.OneConversation:
    """Create a conversation: open, from the API."""
    body = call.body
    new = NewConversation(
        title=body.subject,
        inbox_id=body_id("inboxId", body.inbox_id),
        owner_id=body_id("customerId", body.customer_id),
        channel=body.channel,
        priority=body.priority,
        source="api",
    )
    return await _one(call, await conversations.create(call.engine, call.actor, new))


@routes.put(
    paths.CONVERSATION,
    body=wire.UpdateConversation,
    returns=wire.OneConversation,
    path_types={"id": "uuid"},
)
async def update_conversation(
    call: Request[wire.UpdateConversation, None],
) -> wire.OneConversation:
    """Change subject, status, priority or assignee; whatever is absent stays."""
    body = call.body
    changes = ConversationChanges(
        title=body.subject,
        status=body.status,
        unless_status=shapes.STATUSES_FOUND_BY[body.status] if isinstance(body.status, str) else (),
        priority=body.priority,
        assignee_id=body_id("assignedTo", body.assigned_to),
    )
    return await _one(
        call,
        await conversations.change(call.engine, call.actor, paths.path_id(call), changes),
    )


@routes.delete(
    paths.CONVERSATION,
    body=wire.DeleteConversation,
    returns=wire.Deleted,
    path_types={"id": "uuid"},
)
async def delete_conversation(call: Request[wire.DeleteConversation, None]) -> wire.Deleted:
    """Delete a conversation and all its messages for good. This cannot be undone."""
    await conversations.delete(call.engine, call.actor, paths.path_id(call), call.body.reason)
    return wire.Deleted(success=True, message="Conversation deleted")


@routes.get("/api/v1/health", returns=wire.Health, public=True)
async def health(call: Request[None, None]) -> wire.Health:
    """Say that the server answers."""
    return wire.Health("ok")


routes.include(routes_messages.routes)
routes.include(routes_directory.routes)
routes.include(routes_webhooks.routes)
routes.include(encoder.routes)


async def _one(call: Request[Any, None], found: Conversation) -> wire.OneConversation:
    """A conversation that was just written, with its people."""
    seen = await conversations.related(call.engine, call.actor, [found], _INCLUDE)
    return wire.OneConversation(success=True, data=shapes.render_conversation(found, seen.people))


def _filter(query: wire.ConversationQuery) -> ConversationFilter | None:
    """What to find; None when an id is none, so that nothing can be found (D)."""
    given = {
        name: canonical_id(text)
        for name in ("assigned_to", "inbox_id", "customer_id")
        if (text := getattr(query, name)) is not None
    }
    if None in given.values():
        return None
    inbox_id, customer_id = given.get("inbox_id"), given.get("customer_id")
    return ConversationFilter(
        statuses=shapes.STATUSES_FOUND_BY[query.status] if query.status else (),
        priority=query.priority,
        assignee_id=given.get("assigned_to"),
        inbox_ids=(inbox_id,) if inbox_id else (),
        owner_ids=(customer_id,) if customer_id else (),
    )


def body_id(name: str, given: T) -> T | str:
    """The id a body gives, as it is stored; null and absence as they are. Raises Invalid."""
    if not isinstance(given, str):
        return given
    found = canonical_id(given)
    if found is None:
        raise Invalid(name, "is no id")
    return found
