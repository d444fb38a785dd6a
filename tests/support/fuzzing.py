"""Tests of one operation of an OpenAPI document with generated values."""

from collections.abc import Callable, Iterable
from typing import Any

from schemathesis.core.result import Ok
from schemathesis.pytest.lazy import get_all_tests

from koine.http.route import Route


def documented(routes: Iterable[Route]) -> list[str]:
    """The operations of a dialect's document."""
    return [f"{route.method} {route.path}" for route in routes if not route.hidden]


def fuzz(schema: Any, operation: str, send: Callable[[Any], None]) -> None:
    """Call `send`, which has Hypothesis' settings, with each case of one operation.

    Not `schema.parametrize()`: that generates the values of all operations while pytest collects
    the tests, in each of its processes.
    """
    one = schema.include(name=operation)
    [found] = get_all_tests(schema=one, test_func=send, settings=None, given_kwargs=None)
    assert isinstance(found, Ok), found
    found.ok()[1]()
