"""Inboxes and users, to find the ids that filters and bodies take (helpdesk.md, D)."""

from koine.dialects.helpdesk import paths, shapes, wire
from koine.engine.contacts import inboxes
from koine.engine.people import directory
from koine.http.request import Request
from koine.http.route import Routes
from koine.model.filters import PeopleFilter

USERS = PeopleFilter(kinds=("user",))

routes = Routes()


@routes.get("/api/v1/inboxes", query=wire.PageQuery, returns=wire.Inboxes)
async def list_inboxes(call: Request[None, wire.PageQuery]) -> wire.Inboxes:
    """List inboxes, oldest first."""
    every = await inboxes.list_all(call.engine, call.actor)
    window = paths.window(call.query)
    return wire.Inboxes(
        success=True,
        data=[shapes.render_inbox(each) for each in every[window.offset :][: window.limit]],
        pagination=paths.pagination(call.query, len(every)),
    )


@routes.get("/api/v1/users", query=wire.PageQuery, returns=wire.Users)
async def list_users(call: Request[None, wire.PageQuery]) -> wire.Users:
    """List users, oldest first."""
    window = paths.window(call.query)
    found = await directory.find(call.engine, call.actor, USERS, window, with_total=True)
    return wire.Users(
        success=True,
        data=[shapes.render_user(each) for each in found.items],
        pagination=paths.pagination(call.query, found.total or 0),
    )
