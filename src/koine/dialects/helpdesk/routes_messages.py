"""The messages of a conversation (helpdesk.md, "Neighbours", D)."""

from koine.dialects.helpdesk import paths, shapes, wire
from koine.engine.conversations import messages
from koine.http.idempotency import message_key
from koine.http.request import Request
from koine.http.route import Routes
from koine.model.filters import MessageFilter
from koine.model.message import Draft

MESSAGES = paths.CONVERSATION + "/messages"
ALL = MessageFilter(with_private=True)

routes = Routes()


@routes.get(MESSAGES, query=wire.PageQuery, returns=wire.Messages, path_types={"id": "uuid"})
async def list_messages(call: Request[None, wire.PageQuery]) -> wire.Messages:
    """List a conversation's messages, newest first."""
    said = await messages.page(
        call.engine, call.actor, paths.path_id(call), ALL, paths.window(call.query)
    )
    return wire.Messages(
        success=True,
        data=[shapes.render_message(each) for each in said.items],
        pagination=paths.pagination(call.query, said.total),
    )


@routes.post(
    MESSAGES, body=wire.CreateMessage, returns=wire.OneMessage, status=201, stores_own_key=True,
    path_types={"id": "uuid"},
)  # fmt: skip
async def create_message(call: Request[wire.CreateMessage, None]) -> wire.OneMessage:
    """Post a message as the key's user. A closed conversation stays closed."""
    draft = Draft(
        content=call.body.text,
        private=call.body.is_private,
        sender_id=call.actor.identity_id,
        client_key=message_key(call),
        when_closed="keep",
    )
    posted = await messages.send(call.engine, call.actor, paths.path_id(call), draft)
    return wire.OneMessage(success=True, data=shapes.render_message(posted))
