"""The requests for messages (helpdesk.md, "Neighbours", D)."""

from koine.dialects.helpdesk.messages import schemas
from koine.dialects.helpdesk.messages.render import render_message
from koine.dialects.helpdesk.parsing import parse_page, path_id, render_pagination
from koine.dialects.helpdesk.schemas import PageQuery
from koine.engine.conversations import messages
from koine.http.idempotency import message_key
from koine.http.request import Request
from koine.http.route import Routes
from koine.model.filters import MessageFilter
from koine.model.message import Draft

MESSAGES = "/api/v1/conversations/{id}/messages"
_WITH_PRIVATE = MessageFilter(with_private=True)
routes = Routes()


@routes.get(MESSAGES, query=PageQuery, returns=schemas.Messages, path_types={"id": "uuid"})
async def list_messages(request: Request[None, PageQuery]) -> schemas.Messages:
    """List a conversation's messages, newest first."""
    page = await messages.find_page(
        request.engine, request.actor, path_id(request), _WITH_PRIVATE, parse_page(request.query)
    )
    return schemas.Messages(
        success=True,
        data=[render_message(each) for each in page.items],
        pagination=render_pagination(request.query, page.total),
    )


@routes.post(
    MESSAGES,
    body=schemas.CreateMessage,
    returns=schemas.OneMessage,
    status=201,
    stores_own_key=True,
    path_types={"id": "uuid"},
)
async def create_message(request: Request[schemas.CreateMessage, None]) -> schemas.OneMessage:
    """Post a message as the key's user. A closed conversation stays closed."""
    draft = Draft(
        content=request.body.text,
        private=request.body.is_private,
        sender_id=request.actor.identity_id,
        client_key=message_key(request),
        when_closed="keep",
    )
    sent = await messages.send(request.engine, request.actor, path_id(request), draft)
    return schemas.OneMessage(success=True, data=render_message(sent))
