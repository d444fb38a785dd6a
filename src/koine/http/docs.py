"""Documents for people and tools: /docs, /openapi.json, /openapi/<dialect>.json."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute

from koine.http.dialect import Dialect
from koine.kit.settings import Settings


def routes(dialects: Sequence[Dialect], settings: Settings) -> list[BaseRoute]:
    """Give the routes of the documents and of the page that shows them."""
    return []
