"""Lists of inboxes and users, which have the ids that filters and bodies take (helpdesk.md, D)."""

from koine.dialects.helpdesk.directory import schemas
from koine.dialects.helpdesk.directory.render import render_inbox, render_user
from koine.dialects.helpdesk.parsing import parse_page, render_pagination
from koine.dialects.helpdesk.schemas import PageQuery
from koine.engine.contacts import inboxes
from koine.engine.people import directory
from koine.http.request import Request
from koine.http.route import Routes
from koine.model.filters import PeopleFilter

USERS = PeopleFilter(kinds=("user",))
routes = Routes()


@routes.get("/api/v1/inboxes", query=PageQuery, returns=schemas.Inboxes)
async def list_inboxes(request: Request[None, PageQuery]) -> schemas.Inboxes:
    """List inboxes, oldest first."""
    everything = await inboxes.list_all(request.engine, request.actor)
    window = parse_page(request.query)
    return schemas.Inboxes(
        success=True,
        data=[render_inbox(each) for each in everything[window.offset :][: window.limit]],
        pagination=render_pagination(request.query, len(everything)),
    )


@routes.get("/api/v1/users", query=PageQuery, returns=schemas.Users)
async def list_users(request: Request[None, PageQuery]) -> schemas.Users:
    """List users, oldest first."""
    window = parse_page(request.query)
    found = await directory.find_page(request.engine, request.actor, USERS, window, with_total=True)
    return schemas.Users(
        success=True,
        data=[render_user(each) for each in found.items],
        pagination=render_pagination(request.query, found.total or 0),
    )
