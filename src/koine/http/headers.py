"""Request headers, looked up without copying; response headers, encoded safely."""

from __future__ import annotations

from collections.abc import Mapping

from koine.model.errors import Unauthenticated

RawHeaders = list[tuple[bytes, bytes]]


class Headers:
    """Case-insensitive look-up over the server's list. Of a repeated name the last value counts."""

    __slots__ = ("_last", "raw")

    def __init__(self, raw: RawHeaders) -> None:
        self.raw = raw
        self._last = dict(raw)

    def get(self, name: str) -> str | None:
        """Give a header's text, or None. Bytes beyond ASCII are decoded as Latin-1, as in HTTP."""
        value = self._last.get(name.lower().encode("latin-1"))
        return None if value is None else value.decode("latin-1")

    def raw_get(self, name: bytes) -> bytes | None:
        """Like `get`, for a name already in lower-case bytes."""
        return self._last.get(name)

    def all(self, name: bytes) -> list[str]:
        """Give every value of a repeated header, in order."""
        return [value.decode("latin-1") for key, value in self.raw if key == name]

    def authorization(self) -> tuple[str, str]:
        """Give the scheme of `Authorization`, in lower case, and what follows it; ("", "") when
        there is no such header."""
        scheme, _, credentials = (self.get("authorization") or "").strip().partition(" ")
        return scheme.lower(), credentials.strip()

    def bearer_token(self) -> str:
        """Give the token after `Bearer`, "" without an `Authorization`. Raises
        Unauthenticated("invalid") for another scheme, or for no token after it."""
        scheme, token = self.authorization()
        if scheme and (scheme != "bearer" or not token):
            raise Unauthenticated("invalid")
        return token


def encode(headers: Mapping[str, str]) -> RawHeaders:
    """Give response headers as bytes. Line breaks become spaces: no value can add a header."""
    return [(name.lower().encode("latin-1"), _clean(value)) for name, value in headers.items()]


def has(headers: RawHeaders, name: bytes) -> bool:
    """Whether there is a header of this lower-case name."""
    return any(key == name for key, _ in headers)


def _clean(value: str) -> bytes:
    if not value.isprintable():
        value = "".join(c if c.isprintable() else " " for c in value)
    return value.encode("latin-1", "replace")
