"""Holes planted on purpose: the matrix must find each of them, or it proves nothing."""

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
from tests.authz_matrix.table import CHATS, DELIVERY, HELPDESK, ONE
from tests.drivers.asgi import Caller


@pytest.fixture
def db(sqlite_db: Database) -> Database:
    """As of the matrix."""
    return sqlite_db


def with_(run: Run, dialect: Dialect) -> Run:
    """The same world behind an application that has a hole."""
    engine = run.world.cast.engine
    call = Caller(build_app([dialect], engine, engine.settings))
    return Run(structs.replace(run.world, call=call), run.callers, run.things)


async def test_a_door_that_lets_all_in_as_the_rival_is_found(run: Run) -> None:
    rival = run.world.cast.rival.actor("ada")

    class Open(DeliveryDialect):
        async def authenticate(self, call: object) -> Actor:
            return rival

    holed = with_(run, Open())
    await holed.row("delivery", f"GET {ONE}", DELIVERY[f"GET {ONE}"])
    assert any("shows what is another's" in each for each in holed.wrong)
    assert any("nobody" in each for each in holed.wrong)


async def test_a_key_that_may_more_than_it_says_is_found(run: Run) -> None:
    class Generous(HelpdeskDialect):
        async def authenticate(self, call: object) -> Actor:
            known = await super().authenticate(call)  # type: ignore[arg-type]  # it is a Call
            return structs.replace(known, permissions=PERMISSIONS)

    class Careless(HelpdeskDialect):
        async def authenticate(self, call: object) -> Actor:
            return run.world.cast.acme.actor("ada")

    for hole, found in ((Generous(), False), (Careless(), True)):
        holed = with_(run, hole)
        route = "DELETE /api/v1/conversations/{id}"
        await holed.row("helpdesk", route, HELPDESK[route])
        assert ("a refused write has changed rows" in holed.wrong) == found


async def test_a_verb_that_forgets_to_ask_is_found(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "sees", lambda *_: True)
    await run.row("delivery", f"GET {ONE}", DELIVERY[f"GET {ONE}"])
    assert any(re.match(r"olaf, (own|other): 200", each) for each in run.wrong)


async def test_an_error_that_tells_too_much_is_found(run: Run) -> None:
    numbers = itertools.count()

    class Talkative(ChatsDialect):
        def error_response(self, refusal: object, request_id: str, route_known: bool) -> Response:
            answer = super().error_response(refusal, request_id, route_known)  # type: ignore[arg-type]  # a Refusal
            return Response([answer.body, str(refusal), str(next(numbers))], answer.status)

    holed = with_(run, Talkative())
    route = "GET /api/v1/chats/{id}"
    await holed.row("chats", route, CHATS[route])
    assert any("can tell a rival's from nobody's" in each for each in holed.wrong)


async def test_a_wrong_row_of_the_table_is_found(run: Run) -> None:
    await run.row("delivery", f"GET {ONE}", Row("list", "conversation"))
    assert any("404, not" in each for each in run.wrong)
