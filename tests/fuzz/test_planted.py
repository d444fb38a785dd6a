"""Planted faults: the fuzz test must find each of them, or it proves nothing."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from schemathesis.core.failures import FailureGroup

from tests.fuzz.served import AppInThread, serving
from tests.fuzz.test_fuzz import Fuzz

Fault = Callable[[int, bytes], tuple[int, bytes]]


@pytest.fixture(scope="module")
def native() -> Iterator[AppInThread]:
    with serving() as running:
        yield running


def fields_lost(status: int, body: bytes) -> tuple[int, bytes]:
    rendered = json.loads(body)
    rendered.pop("tenant_id", None)
    return status, json.dumps(rendered).encode()


FAULTS: dict[str, tuple[Fault, str]] = {
    "none": (lambda status, body: (status, body), ""),
    "a crash": (lambda _, body: (500, body), "Server error"),
    "a field is gone": (fields_lost, "Response violates schema"),
    "an unknown status": (lambda _, body: (299, body), "Undocumented status code"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(native: AppInThread, fault: str) -> None:
    change, found = FAULTS[fault]
    assert found in complaint(native, change, native.cast_app.cast.bearer("ada"))


def test_a_missing_authentication_is_found(native: AppInThread) -> None:
    ada = native.cast_app.cast.bearer("ada")
    rendered = native.portal.call(native.cast_app.call.with_headers(ada), "GET", "/v1/me").content
    assert "without authentication" in complaint(native, lambda *_: (200, rendered), ada)


def complaint(served: AppInThread, fault: Fault, headers: dict[str, str]) -> str:
    """The failures that schemathesis reports for GET /v1/me with this fault."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        headers_sent = {k.decode(): v.decode() for k, v in scope["headers"]}
        keep = {k: v for k, v in headers_sent.items() if k in ("authorization", "x-api-key")}
        call = served.cast_app.call.with_headers(keep)
        method, path = scope["method"], scope["path"]
        reply = await asyncio.to_thread(lambda: served.portal.call(call, method, path))
        status, body = fault(reply.status, reply.content)
        sent = [(k.encode(), v.encode()) for k, v in reply.headers.items() if k != "content-length"]
        if status == 200:
            sent = [(k, v) for k, v in sent if k != b"content-type"]
            sent.append((b"content-type", b"application/json"))
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": body})

    fuzz = Fuzz(served, app)
    try:
        fuzz.send(fuzz.schemas["native"]["/v1/me"]["GET"].Case(), headers)
    except FailureGroup as group:
        return "\n".join(str(each) for each in group.exceptions)
    return ""
