"""Planted authorization faults: the matrix must find each of them, or it proves nothing."""

import itertools
import re

import pytest
from msgspec import structs

from koine.dialects.chats import ChatsDialect
from koine.dialects.delivery import DeliveryDialect
from koine.dialects.helpdesk import HelpdeskDialect
from koine.engine.auth import access
from koine.http.app import build_app
from koine.http.dialect import Dialect
from koine.http.request import Response
from koine.model.actor import Actor
from koine.model.permissions import PERMISSIONS
from koine.store.core.db import Database
from tests.authz_matrix.row import Row
from tests.authz_matrix.runner import Run
from tests.authz_matrix.table import CHATS, DELIVERY, DELIVERY_CONVERSATION, HELPDESK
from tests.drivers.asgi import Caller


@pytest.fixture
def db(sqlite_db: Database) -> Database:
    """One database, as in the matrix."""
    return sqlite_db


def run_with_dialect(run: Run, dialect: Dialect) -> Run:
    """The same cast, with an application that has a faulty dialect."""
    engine = run.cast_app.cast.engine
    call = Caller(build_app([dialect], engine, engine.settings))
    return Run(structs.replace(run.cast_app, call=call), run.callers, run.targets)


async def test_authentication_as_another_tenant_is_found(run: Run) -> None:
    rival = run.cast_app.cast.rival.actor("ada")

    class Open(DeliveryDialect):
        async def authenticate(self, call: object) -> Actor:
            return rival

    faulty = run_with_dialect(run, Open())
    await faulty.row(
        "delivery", f"GET {DELIVERY_CONVERSATION}", DELIVERY[f"GET {DELIVERY_CONVERSATION}"]
    )
    assert any("shows another tenant's data" in each for each in faulty.wrong)
    assert any("nobody" in each for each in faulty.wrong)


async def test_a_key_with_too_many_permissions_is_found(run: Run) -> None:
    class Generous(HelpdeskDialect):
        async def authenticate(self, call: object) -> Actor:
            known = await super().authenticate(call)  # type: ignore[arg-type]  # it is a Call
            return structs.replace(known, permissions=PERMISSIONS)

    class Careless(HelpdeskDialect):
        async def authenticate(self, call: object) -> Actor:
            return run.cast_app.cast.acme.actor("ada")

    for dialect, found in ((Generous(), False), (Careless(), True)):
        faulty = run_with_dialect(run, dialect)
        route = "DELETE /api/v1/conversations/{id}"
        await faulty.row("helpdesk", route, HELPDESK[route])
        assert ("a refused write has changed rows" in faulty.wrong) == found


async def test_an_operation_without_an_access_check_is_found(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "sees", lambda *_: True)
    await run.row(
        "delivery", f"GET {DELIVERY_CONVERSATION}", DELIVERY[f"GET {DELIVERY_CONVERSATION}"]
    )
    assert any(re.match(r"olaf, (own|other): 200", each) for each in run.wrong)


async def test_an_error_that_reveals_existence_is_found(run: Run) -> None:
    numbers = itertools.count()

    class Verbose(ChatsDialect):
        def error_response(self, refusal: object, request_id: str, route_known: bool) -> Response:
            response = super().error_response(refusal, request_id, route_known)  # type: ignore[arg-type]  # a Refusal
            return Response([response.body, str(refusal), str(next(numbers))], response.status)

    faulty = run_with_dialect(run, Verbose())
    route = "GET /api/v1/chats/{id}"
    await faulty.row("chats", route, CHATS[route])
    assert any("distinguishes another tenant's from none" in each for each in faulty.wrong)


async def test_a_wrong_row_of_the_table_is_found(run: Run) -> None:
    await run.row("delivery", f"GET {DELIVERY_CONVERSATION}", Row("list", "conversation"))
    assert any("404, not" in each for each in run.wrong)
