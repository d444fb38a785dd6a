"""One row of the matrix's table.

`<thing>` is what varies from cell to cell (a thing of `noun`): in the path, unless `path` says
otherwise, or wherever the query or body names it. `<inbox>` and the like are things of one's own.
"""

from msgspec import Struct

from tests.authz_matrix.targets import OBJECTS

THING = "<thing>"


class Row(Struct, frozen=True):
    """One route as the matrix asks for it. `lists` allows an empty list for what is not there;
    `objects` are the kinds of thing that vary."""

    right: str
    noun: str | None = None
    body: object = None
    query: str = ""
    path: dict[str, str] = {}
    lists: bool = False
    objects: tuple[str, ...] = OBJECTS
