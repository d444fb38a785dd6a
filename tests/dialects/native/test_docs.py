"""docs/dialects/native.md names every field, path and problem type."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from koine.dialects import native
from koine.dialects.native import NativeDialect
from koine.dialects.native.errors import BASE, TITLES

PAGE = (Path(__file__).parents[3] / "docs/dialects/native.md").read_text()
WORDS = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`\n]+`", PAGE))))


SCHEMAS = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(native.__path__, native.__name__ + ".")
    # The fields of webhooks and of the WebSocket are in examples, not named one by one.
    if module.name.endswith(".schemas") and "webhooks" not in module.name
]


def structs() -> Iterator[type[msgspec.Struct]]:
    for module in SCHEMAS:
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, msgspec.Struct):
                yield each


def test_every_field_is_on_the_page() -> None:
    fields = {f.encode_name for struct in structs() for f in msgspec.structs.fields(struct)}
    assert fields - WORDS == set()


@pytest.mark.parametrize("path", sorted({route.path for route in NativeDialect().routes}))
def test_every_path_is_on_the_page(path: str) -> None:
    assert path in PAGE


@pytest.mark.parametrize("slug", TITLES)
def test_every_type_of_problem_is_on_the_page(slug: str) -> None:
    assert f"| {TITLES[slug][0]} | `{BASE}{slug}`" in PAGE
