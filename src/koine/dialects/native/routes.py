"""Every route of the native API, in the order the documentation shows them."""

from koine.dialects.native import (
    routes_auth,
    routes_contacts,
    routes_conversations,
    routes_deliveries,
    routes_inboxes,
    routes_members,
    routes_messages,
    routes_responders,
    routes_tenant,
    routes_users,
    routes_webhook_log,
    routes_webhooks,
)
from koine.dialects.native.realtime import routes
from koine.http.rate_limits import RateLimiter
from koine.http.route import Routes

FILES = (
    routes_auth,
    routes_conversations,
    routes_messages,
    routes_members,
    routes,
    routes_contacts,
    routes_users,
    routes_inboxes,
    routes_responders,
    routes_deliveries,
    routes_webhooks,
    routes_webhook_log,
    routes_tenant,
)


def every_route(calls: RateLimiter, logins: RateLimiter) -> Routes:
    """All routes; `calls` counts callers, `logins` what tries passwords."""
    routes = routes_auth.login_routes(logins)
    routes.include(routes_auth.session_routes(calls))
    for file in FILES:
        routes.include(file.routes)
    return routes
