import json

import pytest

from tests.http.example_dialect import RawRequest, client


async def refusal(content: bytes | str, **headers: str) -> tuple[int, str, str | None]:
    response = await client().post("/tiny/things/a", content=content, headers=headers)
    said = response.json()
    return response.status_code, said["code"], said["field"]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"name": "a", "name": "b"}',
        b'{"name": NaN}',
        b'{"name": "\\u0000"}',
        b'{"name": "\\ud800"}',
        b'{"name": "\xff"}',
        b'{"name": "a", "metadata": {"n": 1e400}}',
        b'{"name": "a", "metadata": ' + b'{"a":' * 40 + b"1" + b"}" * 41,
    ],
)
async def test_what_is_no_strict_json_is_malformed(content: bytes) -> None:
    assert await refusal(content) == (400, "Malformed", None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": 1}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 51}, "name"),
        ({"name": "a", "title": 1}, "title"),
        ({"name": "a", "participants": [{"user_id": "1"}, {}]}, "participants.1.user_id"),
        ({"name": "a", "participants": [{"user_id": 1}]}, "participants.0.user_id"),
        ([], "body"),
        (3, "body"),
        (None, "body"),
    ],
)
async def test_a_wrong_field_is_named(body: object, field: str) -> None:
    assert await refusal(json.dumps(body)) == (422, "Invalid", field)


async def test_an_absent_body_is_an_empty_one() -> None:
    assert (await client().patch("/tiny/things/a")).status_code == 200
    assert await refusal(b"") == (422, "Invalid", "name")


async def test_absent_and_null_differ() -> None:
    absent = await client().patch("/tiny/things/a", json={})
    null = await client().patch("/tiny/things/a", json={"name": None})
    assert (absent.json()["body"], null.json()["body"]) == ({}, {"name": None})


async def test_unknown_fields_are_ignored() -> None:
    response = await client().post("/tiny/things/a", json={"name": "a", "evil": 1})
    assert response.status_code == 201
    assert "evil" not in response.text


async def test_the_content_type_need_not_say_json() -> None:
    for kind in ("text/plain", "application/vnd.api+json", ""):
        response = await client().post(
            "/tiny/things/a", content=b'{"name": "a"}', headers={"Content-Type": kind}
        )
        assert response.status_code == 201


async def test_a_form_at_a_json_route_is_malformed() -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await refusal(b"name=a", **kind))[:2] == (400, "Malformed")


async def test_a_body_announced_as_too_large_is_not_read() -> None:
    request = RawRequest("POST", "/tiny/things/a", b"x" * 5000, content_length="5000")
    assert await request.run() == 413
    assert request.read == 0


async def test_a_chunked_body_is_cut_at_the_limit() -> None:
    request = RawRequest(
        "POST", "/tiny/things/a", *[b"x" * 1000] * 100, transfer_encoding="chunked"
    )
    assert await request.run() == 413
    assert request.read == 5


async def test_a_chunked_body_within_the_limit_is_joined() -> None:
    request = RawRequest(
        "POST", "/tiny/things/a", b'{"na', b'me": "a"}', transfer_encoding="chunked"
    )
    assert await request.run() == 201


async def test_a_wrong_content_length_does_not_raise_the_limit() -> None:
    request = RawRequest("POST", "/tiny/things/a", b"x" * 5000, content_length="10")
    assert await request.run() == 413


async def test_a_length_that_is_no_number_is_malformed() -> None:
    assert await RawRequest("POST", "/tiny/things/a", b"{}", content_length="+2").run() == 400
