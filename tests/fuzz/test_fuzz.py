"""Every operation of every OpenAPI document, called with generated values, valid and invalid.

No response is a 5xx, every response matches the document, and no operation works without its
credential. Not checked: that all valid data is accepted and only invalid data refused, since the
strict reader refuses U+0000, numbers beyond 2^53 and the like, which a JSON Schema cannot express.

On SQLite alone: what is generated is mostly refused above the store. Of the rest, SQLite is the one
whose search has a syntax of its own, while PostgreSQL is stricter with texts and numbers, and
tests/bad_input sends those to it in every field.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.checks import (
    content_type_conformance,
    ignored_auth,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from koine.http.openapi import document
from koine.server import dialects
from tests.fuzz.real_ids import filled
from tests.fuzz.served import AppInThread, serving
from tests.support import fuzzing

EXAMPLES = int(os.environ.get("KOINE_FUZZ_EXAMPLES", "15"))
CHECKS = [
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
AUTHENTICATED = 3
"""So many successful responses of an operation are asked for again without and with an invalid
credential. Whether an operation authenticates does not depend on its values, and asking for all
of them would double the requests."""
OPERATIONS = [
    (dialect.name, operation)
    for dialect in dialects()
    for operation in fuzzing.documented(dialect.routes)
]


class Fuzz:
    """An application, and the cases sent to the operation of the current test."""

    def __init__(self, served: AppInThread, app: Any) -> None:
        self.served = served
        self.cases = 0
        self.authenticated = 0
        self.schemas: dict[str, Any] = {}
        for dialect in dialects():
            schema = schemathesis.openapi.from_dict(document(dialect))
            schema.app = app
            self.schemas[dialect.name] = schema

    def begin(self) -> None:
        """Create new targets, since the last operation may have deleted some."""
        self.served.renew()
        self.cases = self.authenticated = 0

    def send(self, case: "schemathesis.Case[Any]", headers: dict[str, str]) -> None:
        """Send a case with existing ids, and check the response."""
        self.cases += 1
        case.path_parameters = filled(self.served, case.path_parameters)
        case.query = filled(self.served, case.query)
        case.body = filled(self.served, case.body)
        again = [ignored_auth] if self.authenticated < AUTHENTICATED else []
        response = case.call_and_validate(checks=CHECKS + again, headers=headers)
        self.authenticated += 200 <= response.status_code < 300

    def credential(self, dialect: str) -> dict[str, str]:
        """The headers of a caller who may use most of the dialect."""
        cast = self.served.cast_app.cast
        if dialect == "chats":
            return {"authorization": cast.acme.key}
        return {} if dialect == "inbox" else cast.bearer("dan" if dialect == "delivery" else "ada")


@pytest.fixture(scope="module")
def fuzz() -> Iterator[Fuzz]:
    """An application for all operations."""
    with serving() as served:
        yield Fuzz(served, served.app)


@pytest.mark.parametrize(("dialect", "operation"), OPERATIONS, ids=map(" ".join, OPERATIONS))
def test_an_operation_does_what_its_document_says(
    fuzz: Fuzz, dialect: str, operation: str, record_property: Callable[[str, object], None]
) -> None:
    headers = fuzz.credential(dialect)

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
    def send(case: "schemathesis.Case[Any]") -> None:
        fuzz.send(case, headers)

    fuzz.begin()
    fuzzing.fuzz(fuzz.schemas[dialect], operation, send)
    record_property("counted: cases of the fuzz", fuzz.cases)
    assert fuzz.cases


def test_every_operation_is_called() -> None:
    documented = []
    for dialect in dialects():
        paths: Any = document(dialect)["paths"]
        documented += [(dialect.name, f"{m.upper()} {path}") for path in paths for m in paths[path]]
    assert sorted(documented) == sorted(OPERATIONS)
