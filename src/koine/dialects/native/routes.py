"""Every route of the native API, in the order the documentation shows them."""

from koine.dialects.native.contacts import routes as contacts
from koine.dialects.native.conversations import routes as conversations
from koine.dialects.native.deliveries import routes as deliveries
from koine.dialects.native.exports import routes as exports
from koine.dialects.native.inboxes import routes as inboxes
from koine.dialects.native.messages import routes as messages
from koine.dialects.native.participants import routes as participants
from koine.dialects.native.personal_data import routes as personal_data
from koine.dialects.native.realtime import routes as realtime
from koine.dialects.native.responders import routes as responders
from koine.dialects.native.retention import routes as retention
from koine.dialects.native.session import routes as session
from koine.dialects.native.tenant import routes as tenant
from koine.dialects.native.tickets import routes as tickets
from koine.dialects.native.users import routes as users
from koine.dialects.native.webhooks import routes as webhooks
from koine.http.rate_limits import RateLimiter
from koine.http.route import Routes

RESOURCES = (
    session,
    conversations,
    messages,
    participants,
    tickets,
    realtime,
    contacts,
    users,
    personal_data,
    inboxes,
    responders,
    deliveries,
    webhooks,
    tenant,
    retention,
    exports,
)


def all_routes(requests: RateLimiter, logins: RateLimiter) -> Routes:
    """All routes; `requests` counts requests by caller, `logins` attempts to log in."""
    routes = session.login_routes(logins)
    routes.include(session.refresh_routes(requests))
    for resource in RESOURCES:
        routes.include(resource.routes)
    return routes
