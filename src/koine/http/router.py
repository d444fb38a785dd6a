"""Find the dialect that owns a path, and its route: dictionary look-ups by path segment."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any, Generic, TypeVar
from urllib.parse import unquote_to_bytes

T = TypeVar("T")
O = TypeVar("O")  # noqa: E741 — the owner of a prefix
_SLASHES = re.compile("//+")


class _Node(Generic[T]):
    __slots__ = ("methods", "param", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node[T]] = {}
        self.param: _Node[T] | None = None
        self.methods: dict[str, tuple[T, tuple[str, ...]]] = {}


class Router(Generic[T]):
    """A tree of path segments. A static segment wins over a `{name}`, which is tried after it."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, method: str, path: str, target: T) -> None:
        """Add `target` at `path`. Raises ValueError when the method and the path are taken."""
        node, names = self._root, []
        for segment in split_path(path) or []:
            if segment.startswith("{") and segment.endswith("}"):
                names.append(segment[1:-1])
                node.param = node.param or _Node()
                node = node.param
            else:
                node = node.static.setdefault(segment, _Node())
        if method in node.methods:
            raise ValueError(f"{method} {path} is taken")
        node.methods[method] = (target, tuple(names))

    def find(self, segments: list[str]) -> tuple[dict[str, tuple[T, tuple[str, ...]]], list[str]]:
        """Give the targets by method, each with its parameter names, and the parameters' values;
        ({}, []) when no target has this path."""
        values: list[str] = []
        node = _walk(self._root, segments, 0, values)
        return ({}, []) if node is None else (node.methods, values)


class PrefixRouter(Generic[O]):
    """Owners by path prefix, whole segments; the longest owned prefix wins."""

    def __init__(self) -> None:
        self._root: _Node[O] = _Node()

    def add(self, prefix: str, owner: O) -> None:
        """Add `owner` at `prefix`. Raises ValueError when the prefix has an owner already."""
        node = self._root
        for segment in split_path(prefix) or []:
            node = node.static.setdefault(segment, _Node())
        if node.methods:
            raise ValueError(f"{prefix} has two owners")
        node.methods["*"] = (owner, ())

    def find(self, segments: list[str]) -> O | None:
        """Give the owner of the longest prefix of these segments, or None."""
        node, found = self._root, self._root.methods
        for segment in segments:
            below = node.static.get(segment)
            if below is None:
                break
            node, found = below, below.methods or found
        return found["*"][0] if found else None


def collapse_slashes(scope: MutableMapping[str, Any]) -> None:
    """Replace repeated slashes in an ASGI scope's paths by one: clients join a base URL that ends
    in a slash with a path that begins with one (inbox.md, F)."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    if b"//" in raw:
        scope["raw_path"] = _SLASHES.sub("/", raw.decode("latin-1")).encode("latin-1")
        scope["path"] = _SLASHES.sub("/", scope["path"])


def split_path(path: str) -> list[str] | None:
    """Give a raw (still percent-encoded) path's segments, decoded; one slash at its end is ignored.

    None for a path that no route can have: with a NUL, or with bytes that are not UTF-8.
    """
    segments = path.strip("/").split("/") if "//" not in path else path[1:].split("/")
    if "%" not in path:
        return None if "\x00" in path else segments
    try:
        segments = [unquote_to_bytes(segment).decode("utf-8") for segment in segments]
    except UnicodeDecodeError:
        return None
    return None if any("\x00" in segment for segment in segments) else segments


def _walk(node: _Node[T], segments: list[str], at: int, values: list[str]) -> _Node[T] | None:
    if at == len(segments):
        return node if node.methods else None
    segment = segments[at]
    below = node.static.get(segment)
    if below is not None:
        found = _walk(below, segments, at + 1, values)
        if found is not None:
            return found
    if node.param is None or not segment:
        return None
    values.append(segment)
    found = _walk(node.param, segments, at + 1, values)
    if found is None:
        values.pop()
    return found
