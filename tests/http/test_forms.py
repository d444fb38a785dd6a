from typing import Any

import httpx
import pytest

from tests.http.example_dialect import RawRequest, client

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def post(path: str = "/tiny/forms", **request: Any) -> httpx.Response:
    return await client().post(path, **request)


async def read(content: str, query: str = "") -> Any:
    response = await post(f"/tiny/forms?{query}", content=content, headers=FORM)
    assert response.status_code == 200, response.text
    return response.json()["body"]


async def test_json_urlencoded_and_multipart_give_the_same_body() -> None:
    fields = {"content": "hé llo", "rating": 4}
    responses = [
        await post(json=fields),
        await post(data=fields),
        await post(data=fields, files={"x": b""}),
        await post(params=fields),
    ]
    for response in responses:
        assert response.json()["body"] | fields == response.json()["body"]


@pytest.mark.parametrize("media", [FORM["Content-Type"], "multipart/form-data"])
async def test_an_empty_form_is_an_empty_body(media: str) -> None:
    assert (await post(headers={"Content-Type": media})).status_code == 200


@pytest.mark.parametrize("end", ["", "\r\n--x", "\r\n--x\r\nContent-"])
async def test_a_multipart_body_that_breaks_off_is_refused(end: str) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    part = '--x\r\nContent-Disposition: form-data; name="content"\r\n\r\nhi'
    assert (await post(headers=headers, content=f"{part}{end}")).status_code == 400
    whole = await post(headers=headers, content=f"{part}\r\n--x--")
    assert whole.json()["body"]["content"] == "hi"


@pytest.mark.parametrize("content", ["--x--\r\n", "--x--"])
async def test_a_multipart_body_may_have_no_part(content: str) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await post(headers=headers, content=content)).status_code == 200


async def test_a_multipart_body_needs_a_boundary() -> None:
    response = await post(headers={"Content-Type": "multipart/form-data"}, content=b"x")
    assert response.status_code == 400


async def test_the_body_wins_over_the_query() -> None:
    assert (await read("content=body", "content=query&rating=3"))["content"] == "body"
    assert (await read("content=body", "content=query&rating=3"))["rating"] == 3


async def test_empty_texts_stay_and_empty_numbers_are_not_given() -> None:
    body = await read("content=&rating=", "content=query")
    assert (body["content"], body["rating"]) == ("", None)


async def test_names_nest() -> None:
    body = await read("custom_attributes[a]=1&custom_attributes[b][c]=2&participants[][user_id]=7")
    assert body["custom_attributes"] == {"a": "1", "b": {"c": "2"}}
    assert body["participants"] == [{"user_id": "7"}]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ("rating=x", 422),
        ("participants[][other]=1", 422),
        ("custom_attributes=text", 422),
        ("custom_attributes=a&custom_attributes[b]=c", 400),
        ("a" + "[b]" * 20 + "=1", 400),
        ("content=%00", 400),
        ("content=%ff", 400),
        ("a=1&" * 2000, 413),
    ],
)
async def test_a_wrong_form_is_refused(content: str, status: int) -> None:
    assert (await post(content=content, headers=FORM)).status_code == status


async def test_a_json_body_that_is_no_object_is_refused() -> None:
    assert (await post(json=[1])).json()["field"] == "body"


async def test_files_arrive_with_name_type_and_size() -> None:
    files = [
        ("attachments[]", ("é.png", b"x" * 10, "image/png")),
        ("attachments[]", ("b", b"y" * 20)),
    ]
    response = await post(data={"content": "see"}, files=files)
    assert response.json()["query"] == [
        ["attachments", "é.png", "image/png", 10, 10],
        ["attachments", "b", "application/octet-stream", 20, 20],
    ]


async def test_uploads_have_their_own_limit() -> None:
    assert (await post(files={"attachments[]": b"x" * 60_000})).status_code == 200
    assert (await post(files={"attachments[]": b"x" * 70_000})).status_code == 413


async def test_an_upload_announced_as_too_large_is_not_read() -> None:
    kind = "multipart/form-data; boundary=x"
    request = RawRequest("POST", "/tiny/forms", b"", content_type=kind, content_length="70000")
    assert await request.run() == 413
    assert request.read == 0


async def test_a_chunked_upload_is_cut_at_the_limit() -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    kind = {"content_type": "multipart/form-data; boundary=x", "transfer_encoding": "chunked"}
    request = RawRequest("POST", "/tiny/forms", head, *[b"y" * 10_000] * 50, **kind)
    assert await request.run() == 413
    assert request.read == 8


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b"rubbish"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nno name\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x; charset=hex", b"--x\r\n\r\n"),
    ],
)
async def test_a_broken_multipart_body_is_malformed(kind: str, body: bytes) -> None:
    response = await post(content=body, headers={"Content-Type": kind})
    assert (response.status_code, response.json()["code"]) == (400, "Malformed")


async def test_twenty_files_are_enough() -> None:
    files = [("attachments[]", (f"{n}", b"x")) for n in range(21)]
    assert (await post(files=files)).status_code == 400
