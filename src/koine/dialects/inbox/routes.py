"""Every path of the inbox dialect."""

from koine.dialects.inbox import (
    routes_contacts,
    routes_conversations,
    routes_files,
    routes_messages,
    routes_survey,
)
from koine.http.route import Routes

routes = Routes()
for part in (
    routes_contacts,
    routes_conversations,
    routes_messages,
    routes_survey,
    routes_files,
):
    routes.include(part.routes)
