"""Every refusal has a status and a body in this dialect."""

import msgspec
import pytest

from koine.dialects.inbox.errors import error_response
from koine.engine.contacts.rules import InvalidFields
from koine.engine.conversations.surveys import SurveyClosed
from koine.http.dialect import MethodNotAllowed
from koine.model import errors as e
from tests.dialects.inbox.conftest import InboxClient

CASES: list[tuple[e.Refusal | None, int, object]] = [
    (e.Malformed("not JSON"), 400, {"status": 400, "error": "Bad Request"}),
    (e.Invalid("a", "bad", "A bad"), 422, {"message": "A bad", "attributes": ["a"]}),
    (InvalidFields({"a": "A", "b": "B"}), 422, {"message": "A, B", "attributes": ["a", "b"]}),
    (SurveyClosed(), 422, {"error": "You cannot update the CSAT survey after 14 days"}),
    (e.Unauthenticated("missing"), 401, {"status": 401, "error": "Unauthorized"}),
    (e.Forbidden("x"), 403, {"status": 403, "error": "Forbidden"}),
    (e.NotFound("contact"), 404, {"status": 404, "error": "Not Found"}),
    (MethodNotAllowed(("GET",)), 405, {"status": 405, "error": "Method Not Allowed"}),
    (e.Conflict("in_flight"), 409, {"status": 409, "error": "Conflict"}),
    (e.TooLarge(1), 413, {"status": 413, "error": "Payload Too Large"}),
    (e.TooMany(7), 429, "Retry later"),
    (e.Unavailable(), 503, {"status": 503, "error": "Service Unavailable"}),
    (None, 500, {"status": 500, "error": "Internal Server Error"}),
]  # fmt: skip


@pytest.mark.parametrize(("refusal", "status", "body"), CASES)
def test_a_refusal(refusal: e.Refusal | None, status: int, body: object) -> None:
    response = error_response(refusal)
    assert (response.status, msgspec.to_builtins(response.body)) == (status, body)


def test_every_refusal_is_here() -> None:
    assert {type(case[0]) for case in CASES} >= set(e.REFUSALS)


async def test_malformed_json_is_a_bad_request(inbox_client: InboxClient) -> None:
    response = await inbox_client.carol.request(
        "POST", "/conversations", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert (response.status_code, response.json()) == (400, {"status": 400, "error": "Bad Request"})


async def test_a_wrong_type_names_its_attribute(inbox_client: InboxClient) -> None:
    response = await inbox_client.carol.request(
        "POST", "/conversations", json={"custom_attributes": "x"}
    )
    assert response.status_code == 422
    assert response.json()["attributes"] == ["custom_attributes"]
