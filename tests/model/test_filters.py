"""One bound for the text of every search."""

from typing import Any

import msgspec
import pytest

from koine.http.dialect import Dialect
from koine.http.openapi import document
from koine.server import dialects


def searches(dialect: Dialect) -> dict[str, Any]:
    """The schema of every list's `search`, by path."""
    paths = msgspec.json.decode(msgspec.json.encode(document(dialect)))["paths"]
    return {
        path: each["schema"]
        for path, methods in paths.items()
        for each in methods.get("get", {}).get("parameters", [])
        if each["name"] == "search"
    }


@pytest.mark.parametrize("dialect", dialects(), ids=lambda each: each.name)
def test_every_search_has_the_same_bound(dialect: Dialect) -> None:
    for path, schema in searches(dialect).items():
        kinds = schema.get("anyOf", [schema])
        assert [k["maxLength"] for k in kinds if k["type"] == "string"] == [255], path


def test_there_are_searches() -> None:
    assert sum(len(searches(dialect)) for dialect in dialects()) >= 6
