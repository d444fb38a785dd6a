"""What the paths and pages of this dialect have in common."""

from koine.dialects.helpdesk import wire
from koine.http.request import AnyRequest
from koine.kit.ids import canonical_id
from koine.model.errors import Malformed
from koine.model.page import Window, page_window

MAX_LIMIT = 100
CONVERSATIONS = "/api/v1/conversations"
CONVERSATION = "/api/v1/conversations/{id}"


def path_id(call: AnyRequest) -> str:
    """What the path's `{id}` names. Raises Malformed for what is no id (contracts/README.md)."""
    found = canonical_id(call.path["id"])
    if found is None:
        raise Malformed("id must be a UUID")
    return found


def window(query: wire.PageQuery) -> Window:
    """The page asked for; a limit over 100 is cut to it (contracts/README.md, D)."""
    return page_window(query.page, min(query.limit, MAX_LIMIT))


def pagination(query: wire.PageQuery, total: int) -> wire.Pagination:
    """Where the page lies in a list of `total`; an empty list has no page at all."""
    limit = min(query.limit, MAX_LIMIT)
    return wire.Pagination(total, query.page, limit, -(-total // limit))
