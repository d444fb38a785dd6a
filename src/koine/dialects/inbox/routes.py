"""Every path of the inbox dialect."""

from koine.dialects.inbox.contacts import routes as contacts
from koine.dialects.inbox.conversations import routes as conversations
from koine.dialects.inbox.inboxes import routes as inboxes
from koine.dialects.inbox.messages import routes as messages
from koine.dialects.inbox.survey import routes as survey
from koine.http import files
from koine.http.route import Routes

routes = Routes()
for part in (inboxes, contacts, conversations, messages, survey, files):
    routes.include(part.routes)
