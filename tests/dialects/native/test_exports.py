"""Exports of the tenant over HTTP."""

from pathlib import Path

import httpx
import pytest

from tests.cast import Cast
from tests.dialects.native.api_client import UNKNOWN_ID

EXPORT = "/v1/tenant/export"


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path)}


async def test_an_export_is_started_watched_and_downloaded(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    begun = await api.post(EXPORT, json={"passphrase": "correct horse battery"})
    assert (begun.status_code, begun.json()["state"]) == (202, "running")
    assert begun.json()["download_url"] is None
    await cast.engine.background.wait()
    done = (await api.get(f"{EXPORT}/{begun.json()['id']}")).json()
    assert (done["state"], done["encrypted"]) == ("done", True)
    assert done["progress"]["rows"] == done["progress"]["rows_total"]
    assert [each["id"] for each in (await api.get(EXPORT)).json()["data"]] == [done["id"]]
    # The link is the credential.
    response = await api.get(done["download_url"], headers={"Authorization": ""})
    assert response.status_code == 200 and len(response.content) == done["size"]
    assert response.content.startswith(b"KOINE-SEALED-1 ")
    assert response.headers["content-disposition"].startswith("attachment")
    assert response.headers["cache-control"] == "no-store"
    part = await api.get(done["download_url"], headers={"Range": "bytes=0-5"})
    assert (part.status_code, part.content) == (206, b"KOINE-")


async def test_what_is_wrong_is_refused(api: httpx.AsyncClient, cast: Cast) -> None:
    assert (await api.post(EXPORT, json={"passphrase": "short"})).status_code == 422
    assert (await api.get(f"{EXPORT}/{UNKNOWN_ID}")).status_code == 404
    archive = f"{EXPORT}/{UNKNOWN_ID}/archive"
    assert (await api.get(archive, params={"expires": 5, "token": "x"})).status_code == 404
    assert (await api.get(archive)).status_code == 422
    refused = await api.post(EXPORT, json={}, headers=cast.bearer("alice"))
    assert refused.status_code == 403


async def test_a_second_export_waits(api: httpx.AsyncClient, cast: Cast) -> None:
    first = await api.post(EXPORT, json={})
    second = await api.post(EXPORT, json={})
    assert (first.status_code, second.status_code) == (202, 409)
    await cast.engine.background.wait()
