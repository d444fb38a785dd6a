"""Export and erasure over HTTP."""

import asyncio
import io
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from koine.engine.personal_data import erasure
from koine.store.core.db import Database
from tests.cast import Cast
from tests.dialects.native.api_client import UNKNOWN_ID, list_all, open_conversation, send_message
from tests.drivers.cast_app import make_cast_app


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path)}


async def test_a_user_is_exported_and_then_erased(api: httpx.AsyncClient, cast: Cast) -> None:
    olaf = cast.acme.id("olaf")
    at = await open_conversation(api, cast, "olaf", "alice")
    await send_message(api, cast, at, "my secret", "olaf")
    got = await api.get(f"/v1/users/{olaf}/export")
    assert got.headers["content-type"] == "application/zip"
    assert got.headers["content-disposition"] == f'attachment; filename="user-{olaf}.zip"'
    assert "person.json" in ZipFile(io.BytesIO(got.content)).namelist()
    erased = await api.post(f"/v1/users/{olaf}/erase", json={})
    assert erased.status_code == 200, erased.text
    shown = erased.json()
    assert (shown["status"], shown["messages"], shown["similar_ids"]) == ("done", "erase", [])
    assert (shown["counts"]["messages"], shown["counts"]["people"]) == (1, 1)
    (message,) = (await api.get(f"/v1/conversations/{at}/messages")).json()["data"]
    assert (message["content"], message["content_attributes"]) == (None, {"deleted": True})
    assert message["sender"]["name"] == "Deleted user"
    assert (await api.get(f"/v1/users/{olaf}")).status_code == 404


async def test_erasures_are_listed_by_id_alone(api: httpx.AsyncClient, cast: Cast) -> None:
    for who in ("carol", "dave"):
        cast.clock.advance(1)
        body = {"messages": "keep"}
        await api.post(f"/v1/contacts/{cast.acme.id(who)}/erase", json=body)
    listed = await list_all(api, "/v1/erasures", limit=1)
    assert [each["id"] for each in listed] == [cast.acme.id("dave"), cast.acme.id("carol")]
    one = (await api.get(f"/v1/erasures/{cast.acme.id('carol')}")).json()
    assert one == listed[1] and one["messages"] == "keep" and "similar_ids" not in one
    assert (await api.get(f"/v1/erasures/{UNKNOWN_ID}")).status_code == 404


async def test_a_long_erasure_goes_on_in_the_background(
    api: httpx.AsyncClient, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "PATIENCE", 0)
    carol = cast.acme.id("carol")
    accepted = await api.post(f"/v1/contacts/{carol}/erase", json={"messages": "erase"})
    assert (accepted.status_code, accepted.json()["status"]) == (202, "running")
    await asyncio.gather(*erasure._background)
    assert (await api.get(f"/v1/erasures/{carol}")).json()["status"] == "done"


@pytest.mark.parametrize("path", ["contacts", "users"])
async def test_what_is_no_such_person_is_refused(api: httpx.AsyncClient, path: str) -> None:
    for method, call in (("GET", "export"), ("POST", "erase")):
        refused = await api.request(method, f"/v1/{path}/{UNKNOWN_ID}/{call}", json={})
        assert refused.status_code == 404
    wrong = await api.post(f"/v1/{path}/{UNKNOWN_ID}/erase", json={"messages": "forget"})
    assert wrong.status_code == 422


async def test_a_retry_gets_what_is_left_of_a_response_and_nothing_is_done_twice(
    db: Database, tmp_path: Path
) -> None:
    app = await make_cast_app(db, data_dir=str(tmp_path))
    ada, olaf = (app.call.with_headers(app.cast.bearer(who)) for who in ("ada", "olaf"))
    people = [{"identity_id": app.cast.acme.id("olaf")}]
    at = (await ada("POST", "/v1/conversations", {"participants": people})).json()["id"]
    url, contact, hello = f"/v1/conversations/{at}/messages", {"name": "Zoe"}, {"content": "hi"}
    await olaf("POST", url, {"content": "my secret"}, Idempotency_Key="k-1")
    await ada("POST", "/v1/contacts", contact, Idempotency_Key="k-2")
    sent = await ada("POST", url, hello, Idempotency_Key="k-3")
    await ada("POST", f"/v1/users/{app.cast.acme.id('olaf')}/erase", {"messages": "erase"})
    again = await ada("POST", "/v1/contacts", contact, Idempotency_Key="k-2")
    assert (again.status, again.json()["reason"]) == (409, "not_kept")
    retried = await ada("POST", url, hello, Idempotency_Key="k-3")
    assert (retried.status, retried.json()["id"]) == (201, sent.json()["id"])
    assert retried.headers["idempotent-replayed"] == "true"
    shown = (await ada("GET", url)).json()["data"]
    assert [m["content"] for m in shown] == ["hi", None]
