"""Every operation of every OpenAPI document, called with generated values, valid and invalid.

No response is a 5xx, every response matches the document, and no operation works without its
credential. Not checked: that all valid data is accepted and only invalid data refused, since the
strict reader refuses U+0000, numbers beyond 2^53 and the like, which a JSON Schema cannot express.
"""

import contextlib
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
from tests.support.shared_postgres import SharedPostgres

EXAMPLES = {
    "sqlite": int(os.environ.get("KOINE_FUZZ_EXAMPLES", "15")),
    "postgres": int(os.environ.get("KOINE_FUZZ_EXAMPLES", "8")),
}
CHECKS = [
    content_type_conformance,
    ignored_auth,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
RUNNING: dict[str, AppInThread] = {}
ASKED = {"cases": 0}


@pytest.fixture(scope="module", autouse=True)
def served(shared_postgres: SharedPostgres, pytestconfig: pytest.Config) -> Iterator[None]:
    """An application on each database of this run."""
    chosen = pytestconfig.getoption("--db")
    with contextlib.ExitStack() as stack:
        for backend in EXAMPLES if chosen == "both" else [chosen]:
            RUNNING[backend] = stack.enter_context(serving(backend, shared_postgres))
        yield
        RUNNING.clear()


@pytest.fixture(autouse=True)
def counted(request: pytest.FixtureRequest) -> Iterator[None]:
    """Create new targets for each operation, and count its cases."""
    for each in RUNNING.values():
        each.renew()
    ASKED["cases"] = 0
    yield
    request.node.user_properties.append(("counted: cases of the fuzz", ASKED["cases"]))


def fuzz(name: str, backend: str) -> Callable[..., None]:
    """The test of one dialect's document on one database."""
    dialect = next(each for each in dialects() if each.name == name)
    schema = schemathesis.openapi.from_dict(document(dialect))
    # Every edge of every type is tried on one database; the other sees a sample.
    schema.config.phases.coverage.enabled = backend == "sqlite"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await RUNNING[backend].app(scope, receive, send)

    schema.app = app

    @schema.parametrize()
    @settings(max_examples=EXAMPLES[backend], deadline=None, derandomize=True, database=None)
    def test(case: "schemathesis.Case[Any]") -> None:
        if backend not in RUNNING:
            pytest.skip(f"not on {backend} this time")
        ASKED["cases"] += 1
        case.path_parameters = filled(RUNNING[backend], case.path_parameters)
        case.query = filled(RUNNING[backend], case.query)
        case.body = filled(RUNNING[backend], case.body)
        case.call_and_validate(checks=CHECKS, headers=_credential(name, RUNNING[backend]))

    made: Callable[..., None] = test
    return made


def _credential(name: str, served: AppInThread) -> dict[str, str]:
    cast = served.world.cast
    if name == "chats":
        return {"authorization": cast.acme.key}
    return {} if name == "inbox" else cast.bearer("dan" if name == "delivery" else "ada")


for _name in ("delivery", "helpdesk", "chats", "inbox", "native"):
    for _backend in EXAMPLES:
        globals()[f"test_{_name}_{_backend}"] = fuzz(_name, _backend)
