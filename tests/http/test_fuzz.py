"""Schemathesis with the OpenAPI document and the application of the example dialect."""

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
    unsupported_method,
)

from tests.http.example_dialect import app, routes
from tests.support.fuzzing import documented, fuzz

# Not checked: that only invalid data is refused. The strict reader refuses U+0000, numbers
# beyond 2^53 and bodies over the limit, which a JSON Schema cannot express.
CHECKS = [
    content_type_conformance,
    ignored_auth,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]


@pytest.fixture(scope="module")
def schema() -> Any:
    return schemathesis.openapi.from_asgi("/openapi/tiny.json", app())


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
def send(case: "schemathesis.Case[Any]") -> None:
    case.call_and_validate(checks=CHECKS, headers={"Authorization": "Bearer me"})


@pytest.mark.parametrize("operation", documented(routes))
def test_an_operation_does_what_its_document_says(schema: Any, operation: str) -> None:
    fuzz(schema, operation, send)
