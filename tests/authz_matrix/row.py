"""One row of the matrix's table.

`<thing>` stands for the id of the row's target, which varies from cell to cell: in the path, unless
`path` has another value, and in the query and the body. `<inbox>` and the like stand for ids of the
caller's own targets.
"""

import json
import re
from functools import cached_property

from msgspec import Struct

from tests.authz_matrix.targets import VARIANTS

THING = "<thing>"
_OWN = re.compile(r"<(\w+)>")


class Row(Struct, frozen=True, dict=True):
    """One route as the matrix requests it. `is_list`: for a target that does not exist, an empty
    list is right, too."""

    right: str
    target: str | None = None
    body: object = None
    query: str = ""
    path: dict[str, str] = {}
    is_list: bool = False
    variants: tuple[str, ...] = VARIANTS

    @cached_property
    def own_targets(self) -> frozenset[str]:
        """The kinds of the caller's own targets that the row names."""
        text = f"{json.dumps(self.body)} {self.query} {self.path}"
        return frozenset(name for name in _OWN.findall(text) if f"<{name}>" != THING)
