"""The inboxes of the tenant."""

from koine.dialects.native import cursors, shapes, values, wire, wire_setup
from koine.engine.auth import access
from koine.engine.contacts import inboxes
from koine.engine.contacts.inboxes import InboxChanges, NewInbox
from koine.http.request import Request
from koine.http.route import PathType, Routes

INBOXES = "/v1/inboxes"
INBOX = "/v1/inboxes/{inbox_id}"
TAGS = ("Inboxes",)
TYPES: dict[str, PathType] = {"inbox_id": "uuid"}

routes = Routes()


@routes.get(INBOXES, query=wire.PageQuery, returns=wire_setup.Inboxes, tags=TAGS)
async def list_inboxes(call: Request[None, wire.PageQuery]) -> wire_setup.Inboxes:
    """List inboxes, oldest first."""
    window = cursors.window(call.query)
    everyone = await inboxes.list_all(call.engine, call.actor)
    page = cursors.cut(everyone, window, cursors.creation)
    with_keys = access.sees_settings(call.actor)
    return cursors.shown(wire_setup.Inboxes, page, lambda each: shapes.inbox(each, with_keys))


@routes.post(INBOXES, body=wire_setup.CreateInbox, returns=wire_setup.Inbox, status=201, tags=TAGS)
async def create_inbox(call: Request[wire_setup.CreateInbox, None]) -> wire_setup.Inbox:
    """Open an inbox."""
    given = values.changed_fields(call.body, ids=("responder_id",), bags=("settings",))
    made = await inboxes.create(call.engine, call.actor, NewInbox(**given))
    return shapes.inbox(made, access.sees_settings(call.actor))


@routes.get(INBOX, returns=wire_setup.Inbox, path_types=TYPES, tags=TAGS)
async def get_inbox(call: Request[None, None]) -> wire_setup.Inbox:
    """Get one inbox."""
    found = await inboxes.get(call.engine, call.actor, values.path_id(call, "inbox_id"))
    return shapes.inbox(found, access.sees_settings(call.actor))


@routes.patch(
    INBOX, body=wire_setup.ChangeInbox, returns=wire_setup.Inbox, path_types=TYPES, tags=TAGS
)
async def change_inbox(call: Request[wire_setup.ChangeInbox, None]) -> wire_setup.Inbox:
    """Change an inbox."""
    inbox_id = values.path_id(call, "inbox_id")
    given = values.changed_fields(call.body, ids=("responder_id",), bags=("settings",))
    changed = await inboxes.change(call.engine, call.actor, inbox_id, InboxChanges(**given))
    return shapes.inbox(changed, access.sees_settings(call.actor))


@routes.delete(INBOX, status=204, path_types=TYPES, tags=TAGS)
async def remove_inbox(call: Request[None, None]) -> None:
    """Close an inbox: its conversations stay, its public identifier opens nothing any more."""
    await inboxes.remove(call.engine, call.actor, values.path_id(call, "inbox_id"))
