"""The inboxes of the tenant."""

from koine.dialects.native import fields, pagination
from koine.dialects.native.inboxes import schemas
from koine.dialects.native.inboxes.render import render_inbox
from koine.dialects.native.schemas import PageQuery
from koine.engine.auth import access
from koine.engine.contacts import hmac_tokens, inboxes
from koine.engine.contacts.inboxes import InboxChanges, NewInbox
from koine.engine.core.encryption import SealingKeys
from koine.http.request import AnyRequest, Request
from koine.http.route import PathType, Routes

INBOXES = "/v1/inboxes"
INBOX = "/v1/inboxes/{inbox_id}"
TAGS = ("Inboxes",)
TYPES: dict[str, PathType] = {"inbox_id": "uuid"}

routes = Routes()


@routes.get(INBOXES, query=PageQuery, returns=schemas.Inboxes, tags=TAGS)
async def list_inboxes(request: Request[None, PageQuery]) -> schemas.Inboxes:
    """List inboxes, oldest first."""
    window = pagination.parse_window(request.query)
    everyone = await inboxes.list_all(request.engine, request.actor)
    page = pagination.slice_page(everyone, window, pagination.creation_position)
    keys = _keys(request)
    return pagination.render_page(schemas.Inboxes, page, lambda each: render_inbox(each, keys))


@routes.post(INBOXES, body=schemas.CreateInbox, returns=schemas.Inbox, status=201, tags=TAGS)
async def create_inbox(request: Request[schemas.CreateInbox, None]) -> schemas.Inbox:
    """Open an inbox."""
    given = fields.provided_fields(request.body, ids=("responder_id",), objects=("settings",))
    made = await inboxes.create(request.engine, request.actor, NewInbox(**given))
    return render_inbox(made, _keys(request))


@routes.get(INBOX, returns=schemas.Inbox, path_types=TYPES, tags=TAGS)
async def get_inbox(request: Request[None, None]) -> schemas.Inbox:
    """Get one inbox."""
    found = await inboxes.get(request.engine, request.actor, fields.path_id(request, "inbox_id"))
    return render_inbox(found, _keys(request))


@routes.patch(INBOX, body=schemas.ChangeInbox, returns=schemas.Inbox, path_types=TYPES, tags=TAGS)
async def change_inbox(request: Request[schemas.ChangeInbox, None]) -> schemas.Inbox:
    """Change an inbox."""
    inbox_id = fields.path_id(request, "inbox_id")
    given = fields.provided_fields(request.body, ids=("responder_id",), objects=("settings",))
    changed = await inboxes.change(request.engine, request.actor, inbox_id, InboxChanges(**given))
    return render_inbox(changed, _keys(request))


@routes.post(
    f"{INBOX}/rotate-hmac-token",
    body=schemas.RotateHmacToken,
    returns=schemas.Inbox,
    path_types=TYPES,
    tags=TAGS,
)
async def rotate_hmac_token(request: Request[schemas.RotateHmacToken, None]) -> schemas.Inbox:
    """Make a new HMAC token. Until the overlap is over, identity hashes by both are valid."""
    inbox_id, engine = fields.path_id(request, "inbox_id"), request.engine
    changed = await hmac_tokens.rotate(
        engine, request.actor, engine.encryption, inbox_id, request.body.overlap_hours
    )
    return render_inbox(changed, _keys(request))


@routes.delete(INBOX, status=204, path_types=TYPES, tags=TAGS)
async def remove_inbox(request: Request[None, None]) -> None:
    """Close an inbox: its conversations stay, its public identifier opens nothing any more."""
    await inboxes.remove(request.engine, request.actor, fields.path_id(request, "inbox_id"))


def _keys(request: AnyRequest) -> SealingKeys | None:
    """What opens the HMAC tokens of inboxes, if the caller may see them."""
    return request.engine.encryption if access.sees_settings(request.actor) else None
