"""All routes of this dialect, in the order of its OpenAPI document."""

from typing import Literal

from msgspec import Struct

from koine.dialects.helpdesk import encoder
from koine.dialects.helpdesk.conversations.routes import routes as conversation_routes
from koine.dialects.helpdesk.directory.routes import routes as directory_routes
from koine.dialects.helpdesk.messages.routes import routes as message_routes
from koine.dialects.helpdesk.webhooks.routes import routes as webhook_routes
from koine.http.request import Request
from koine.http.route import Routes

routes = Routes()
routes.include(conversation_routes)


class Health(Struct, frozen=True):
    """The server responds (F)."""

    status: Literal["ok"]


@routes.get("/api/v1/health", returns=Health, public=True)
async def health(request: Request[None, None]) -> Health:
    """Check that the server responds."""
    return Health("ok")


for _resource in (message_routes, directory_routes, webhook_routes, encoder.routes):
    routes.include(_resource)
