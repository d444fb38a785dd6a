"""Every path of the inbox dialect."""

from koine.dialects.inbox import (
    routes_contacts,
    routes_conversations,
    routes_messages,
    routes_survey,
)
from koine.http import files
from koine.http.route import Routes

routes = Routes()
for part in (
    routes_contacts,
    routes_conversations,
    routes_messages,
    routes_survey,
    files,
):
    routes.include(part.routes)
