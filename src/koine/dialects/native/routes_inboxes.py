"""The inboxes of the tenant."""

from koine.dialects.native import cursors, shapes, values, wire
from koine.dialects.native import wire_people as people_wire
from koine.engine import inboxes
from koine.engine.inboxes import InboxChanges, NewInbox
from koine.http.call import Call
from koine.http.route import Routes

INBOXES = "/v1/inboxes"
INBOX = "/v1/inboxes/{inbox_id}"
TAGS = ("Inboxes",)

routes = Routes()


@routes.get(INBOXES, query=wire.PageQuery, returns=people_wire.Inboxes, tags=TAGS)
async def list_inboxes(call: Call[None, wire.PageQuery]) -> people_wire.Inboxes:
    """List inboxes, oldest first."""
    window = cursors.window(call.query)
    page = cursors.cut(
        await inboxes.everyone(call.engine, call.actor),
        window,
        lambda each: (each.created_at, each.id),
    )
    shown = [shapes.inbox(each, call.actor) for each in page.items]
    return people_wire.Inboxes(shown, cursors.written(page.next))


@routes.post(
    INBOXES, body=people_wire.CreateInbox, returns=people_wire.Inbox, status=201, tags=TAGS
)
async def create_inbox(call: Call[people_wire.CreateInbox, None]) -> people_wire.Inbox:
    """Open an inbox."""
    given = values.given(call.body, ids=("responder_id",), bags=("settings",))
    made = await inboxes.create(call.engine, call.actor, NewInbox(**given))
    return shapes.inbox(made, call.actor)


@routes.get(INBOX, returns=people_wire.Inbox, path_types={"inbox_id": "uuid"}, tags=TAGS)
async def get_inbox(call: Call[None, None]) -> people_wire.Inbox:
    """Get one inbox."""
    found = await inboxes.get(call.engine, call.actor, values.path_id(call, "inbox_id"))
    return shapes.inbox(found, call.actor)


@routes.patch(
    INBOX,
    body=people_wire.ChangeInbox,
    returns=people_wire.Inbox,
    path_types={"inbox_id": "uuid"},
    tags=TAGS,
)
async def change_inbox(call: Call[people_wire.ChangeInbox, None]) -> people_wire.Inbox:
    """Change an inbox."""
    inbox_id = values.path_id(call, "inbox_id")
    given = values.given(call.body, ids=("responder_id",), bags=("settings",))
    changed = await inboxes.change(call.engine, call.actor, inbox_id, InboxChanges(**given))
    return shapes.inbox(changed, call.actor)


@routes.delete(INBOX, status=204, path_types={"inbox_id": "uuid"}, tags=TAGS)
async def remove_inbox(call: Call[None, None]) -> None:
    """Close an inbox: its conversations stay, its public identifier opens nothing any more."""
    await inboxes.remove(call.engine, call.actor, values.path_id(call, "inbox_id"))
