"""The inbox: get."""

from koine.dialects.inbox.auth import contact_caller
from koine.dialects.inbox.inboxes import schemas
from koine.dialects.inbox.inboxes.render import render_inbox
from koine.dialects.inbox.path_params import INBOX
from koine.http.request import Request
from koine.http.route import Routes

routes = Routes()


@routes.get(INBOX, returns=schemas.Inbox, other_statuses=(403, 404, 429), tags=("Inbox",))
async def get_inbox(request: Request[None, None]) -> schemas.Inbox:
    """Get an inbox: its name, opening hours and settings."""
    return render_inbox(contact_caller(request).inbox)
