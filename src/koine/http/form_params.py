"""Nested form names: "a[b]=c" is {"a": {"b": "c"}}, "a[]=c" a list, "a[][b]=c" its objects."""

from __future__ import annotations

import re
from collections.abc import Iterable

from koine.http.text_fields import Value
from koine.model.errors import Malformed

_MAX_NESTING = 8
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_KEY = re.compile(r"\[([^\[\]]*)\]")


def parse_nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Value]:
    """Build objects and lists from names, as Rails does; a plain name that occurs twice is a list.

    Raises Malformed when names contradict each other or nest deeper than 8.
    """
    root: dict[str, Value] = {}
    for name, value in pairs:
        match = _NAME.fullmatch(name)
        keys = [match[1], *_KEY.findall(match[2])] if match else [name]
        if len(keys) > _MAX_NESTING:
            raise Malformed("the form's names are nested too deep")
        _put(root, keys, value)
    return root


def _put(at: dict[str, Value], keys: list[str], value: str) -> None:
    if len(keys) == 1:
        _leaf(at, keys[0], value)
    elif keys[1] != "":
        _put(_object(at, keys[0]), keys[1:], value)
    elif len(keys) == 2:
        _list(at, keys[0]).append(value)
    else:
        _put(_item(_list(at, keys[0]), keys[2]), keys[2:], value)


def _leaf(at: dict[str, Value], key: str, value: str) -> None:
    before = at.get(key)
    if before is None:
        at[key] = value
    elif isinstance(before, dict):
        raise Malformed(f"{key} is both a text and an object")
    elif isinstance(before, list):
        before.append(value)
    else:
        at[key] = [before, value]


def _object(at: dict[str, Value], key: str) -> dict[str, Value]:
    child = at.setdefault(key, {})
    if not isinstance(child, dict):
        raise Malformed(f"{key} is both an object and something else")
    return child


def _list(at: dict[str, Value], key: str) -> list[Value]:
    child = at.setdefault(key, [])
    if not isinstance(child, list):
        raise Malformed(f"{key} is both a list and something else")
    return child


def _item(items: list[Value], key: str) -> dict[str, Value]:
    # "a[][b]=1&a[][c]=2&a[][b]=3": a key that the last object has already begins the next one.
    last = items[-1] if items else None
    if isinstance(last, dict) and key not in last:
        return last
    fresh: dict[str, Value] = {}
    items.append(fresh)
    return fresh
