"""Multipart bodies: every spelling of a file's name is read, no file is lost, all is bounded."""

from typing import Any

import httpx
import pytest

from koine.http.request import Request
from tests.http.example_dialect import Form, RawRequest, app, client, routes

KIND = "multipart/form-data; boundary=x"
HEAD = 'Content-Disposition: form-data; name="attachments[]"'


@routes.post("/tiny/no-files", body=Form, forms=True)
async def no_files(request: Request[Form, None]) -> dict[str, Any]:
    return {"content": request.body.content, "files": len(request.files)}


def part(head: str, body: bytes = b"some bytes") -> bytes:
    return b"--x\r\n" + head.encode() + b"\r\n\r\n" + body + b"\r\n"


async def post(*parts: bytes, to: str = "/tiny/forms") -> httpx.Response:
    content = b"".join(parts) + b"--x--\r\n"
    return await client().post(to, content=content, headers={"Content-Type": KIND})


async def names(*parts: bytes) -> list[str]:
    response = await post(*parts)
    assert response.status_code == 200, response.text
    return [name for _, name, *_ in response.json()["query"]]


@pytest.mark.parametrize(
    ("spelled", "read"),
    [
        ("filename*=UTF-8''N%C3%BAmero.docx", "Número.docx"),
        ("filename*=iso-8859-1'es'N%FAmero.docx", "Número.docx"),
        ('filename="N_mero.docx"; filename*=utf-8\'\'N%C3%BAmero.docx', "Número.docx"),
        ("filename*=UTF-8''N%C3%BAmero.docx; filename=\"N_mero.docx\"", "Número.docx"),
        ('filename="=?utf-8?B?TsO6bWVyby5kb2N4?="; filename*=utf-8\'\'N%C3%BAmero.docx',
         "Número.docx"),
        ('filename="=?utf-8?B?TsO6bWVyby5kb2N4?="', "Número.docx"),
        ('filename="=?utf-8?Q?N=C3=BAmero.docx?="', "Número.docx"),
        ("filename*0*=UTF-8''N%C3%BA; filename*1=mero.docx", "Número.docx"),
        ('filename="N%C3%BAmero.docx"', "Número.docx"),
        ("filename=N%C3%BAmero.docx", "Número.docx"),
        ('filename="Número.docx"', "Número.docx"),
        ('filename="a%22b%22.txt"', 'a"b".txt'),
        ('filename="a\\"b\\".txt"', 'a"b".txt'),
        ('filename="a\\\\b.txt"', "a\\b.txt"),
        ('filename="C:\\dir\\a.txt"', "C:\\dir\\a.txt"),
        ('filename="a;b=c.txt"', "a;b=c.txt"),
        ('filename="50%.txt"', "50%.txt"),
        ('filename="a+b.txt"', "a+b.txt"),
        ('FileName="a.txt"', "a.txt"),
        ('filename="open.txt', "open.txt"),
        ("filename*=nonsense", "nonsense"),
        ("filename*=no-such-charset''a.txt", "no-such-charset''a.txt"),
        ('filename="a.txt"; filename*=utf-8\'\'%ff', "a.txt"),
        ('filename="=?no-such?B?YQ==?="', "=?no-such?B?YQ==?="),
        ('filename="a%00b.txt"', "a%00b.txt"),
        ('filename="می\u200cخواهم.pdf"', "می\u200cخواهم.pdf"),
    ],
)  # fmt: skip
async def test_a_files_name_is_read_however_it_is_spelled(spelled: str, read: str) -> None:
    assert await names(part(f"{HEAD}; {spelled}")) == [read]


async def test_a_name_in_latin_1_is_read() -> None:
    raw = part(f'{HEAD}; filename="N@mero"').replace(b"@", b"\xfa")
    assert await names(raw) == ["Número"]


async def test_an_input_without_a_file_is_no_attachment() -> None:
    empty = part(f'{HEAD}; filename=""\r\nContent-Type: application/octet-stream', b"")
    assert await names(empty) == []
    assert await names(empty, part(f'{HEAD}; filename="a.txt"')) == ["a.txt"]


@pytest.mark.parametrize("spelled", ['; filename=""', "\r\nContent-Type: image/png"])
async def test_bytes_without_a_name_are_a_file(spelled: str) -> None:
    assert await names(part(HEAD + spelled)) == [""]


async def test_an_empty_file_with_a_name_is_a_file() -> None:
    assert await names(part(f'{HEAD}; filename="a.txt"', b"")) == ["a.txt"]


@pytest.mark.parametrize("field", ["attachments", "attachments[]", "attachments[0]"])
async def test_brackets_after_a_file_fields_name_are_ignored(field: str) -> None:
    head = f'Content-Disposition: form-data; name="{field}"; filename="a.txt"'
    assert await names(part(head)) == ["a.txt"]


@pytest.mark.parametrize("to", ["/tiny/forms", "/tiny/no-files"])
async def test_a_file_where_none_is_taken_is_refused_not_lost(to: str) -> None:
    head = 'Content-Disposition: form-data; name="other"; filename="a.txt"'
    response = await post(part(head), to=to)
    assert (response.status_code, response.json()["field"]) == (422, "other")


async def test_where_no_files_are_taken_a_form_has_the_limit_of_json() -> None:
    head = 'Content-Disposition: form-data; name="other"; filename="a.txt"'
    assert (await post(part(head, b"x" * 5000), to="/tiny/no-files")).status_code == 413


async def test_texts_have_the_limit_of_json_wherever_they_stand() -> None:
    head = 'Content-Disposition: form-data; name="content"'
    assert (await post(part(head, b"x" * 3000))).status_code == 200
    assert (await post(*[part(head, b"x" * 500)] * 9)).status_code == 413
    assert (await post(*[part(f"{head}\r\nX-Long: {'y' * 500}", b"")] * 9)).status_code == 413


async def test_texts_are_refused_before_the_rest_is_read() -> None:
    start = b'--x\r\nContent-Disposition: form-data; name="content"\r\n\r\n'
    request = RawRequest(
        "POST", "/tiny/forms", start, *[b"x" * 1000] * 50, content_type=KIND,
        transfer_encoding="chunked",
    )  # fmt: skip
    assert await request.run() == 413
    assert request.read <= 6


async def test_a_form_has_no_more_than_a_thousand_parts() -> None:
    tiny = b"--x\r\nContent-Disposition:a;name=a\r\n\r\n\r\n"
    of = client(app(json_limit=1 << 20, upload_limit=1 << 20))
    for count, status in ((1000, 200), (1001, 413)):
        content = tiny * count + b"--x--"
        response = await of.post("/tiny/forms", content=content, headers={"Content-Type": KIND})
        assert response.status_code == status
