"""Attributes beyond the limits, at every route of every dialect that accepts attributes."""

import json
from collections.abc import Iterator

import pytest
from msgspec import inspect

from koine.engine.core.attributes import ATTRIBUTES, SETTINGS
from koine.server import dialects
from tests.authz_matrix.runner import Run
from tests.bad_input.prober import Prober, rows

SPOKEN = {each.name: each for each in dialects()}


def bags(route_body: type) -> Iterator[str]:
    """The fields of a body that accept an object with any names and values."""
    info = inspect.type_info(route_body)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        kinds = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
        free = [k for k in kinds if isinstance(k, inspect.DictType)]
        if any(isinstance(k.value_type, inspect.CustomType) for k in free):
            yield field.encode_name


TAKEN = [
    (name, route, field)
    for name, route in rows([*SPOKEN.values()], "body")
    for each in SPOKEN[name].routes
    if f"{each.method} {each.path}" == route and each.body is not None
    for field in bags(each.body)
]


@pytest.mark.parametrize(("name", "route", "field"), TAKEN)
async def test_attributes_beyond_the_limits_are_refused_and_not_stored(
    run: Run, name: str, route: str, field: str
) -> None:
    limits = SETTINGS if field == "settings" else ATTRIBUTES
    prober = Prober(run, SPOKEN[name], route)
    deep: object = 1
    for _ in range(limits.depth):
        deep = {"a": deep}
    large = {
        "bytes": {"a": "x" * 1000, "b": ["y" * 1000] * (limits.bytes // 1000)},
        "values": {f"k{n}": 0 for n in range(limits.values + 1)},
        "depth": {"a": deep},
    }
    body = await prober.body()
    before = await prober.fingerprint()
    for what, bag in large.items():
        raw = json.dumps(body | {field: bag}).encode()
        refused = await prober.expect(what, body=raw)
        assert "maximum is" in refused.text or name == "chats", refused.text
    assert prober.wrong == []
    assert await prober.fingerprint() == before


def test_every_dialect_with_attributes_is_tested() -> None:
    assert {name for name, *_ in TAKEN} == {"delivery", "inbox", "native"}
    assert len(TAKEN) >= 15
