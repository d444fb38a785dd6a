"""Inboxes over HTTP."""

import httpx
import pytest

from tests.cast import Cast
from tests.dialects.native.api_client import list_all


async def test_only_managers_see_the_identifier_and_secret_of_an_inbox(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    path = f"/v1/inboxes/{cast.acme.inbox.id}"
    shown = (await api.get(path)).json()
    assert shown["hmac_token"] == cast.hmac_token()
    hidden = (await api.get(path, headers=cast.bearer("alice"))).json()
    assert (hidden["name"], hidden["identifier"], hidden["hmac_token"]) == ("Website", None, None)


async def test_an_inbox_is_created_changed_and_removed(api: httpx.AsyncClient, cast: Cast) -> None:
    settings = {"timezone": "Asia/Jerusalem", "greeting_enabled": True}
    body = {"name": "Mail", "channel_type": "email", "settings": settings}
    created = (await api.post("/v1/inboxes", json=body)).json()
    assert created["settings"] == settings
    path = f"/v1/inboxes/{created['id']}"
    bot = cast.acme.tenant.default_responder_id
    assert (await api.patch(path, json={"responder_id": bot})).json()["responder_id"] == bot
    assert (await api.delete(path)).status_code == 204
    assert [each["name"] for each in await list_all(api, "/v1/inboxes")] == ["Website"]


async def test_an_hmac_token_is_rotated_with_an_overlap(api: httpx.AsyncClient, cast: Cast) -> None:
    path = f"/v1/inboxes/{cast.acme.inbox.id}"
    before = (await api.get(path)).json()
    rotated = await api.post(f"{path}/rotate-hmac-token", json={"overlap_hours": 48})
    assert rotated.status_code == 200
    assert rotated.json() == (await api.get(path)).json()
    assert rotated.json()["hmac_token"] not in (before["hmac_token"], None)
    assert before["old_hmac_token_until"] is None
    assert rotated.json()["old_hmac_token_until"] > rotated.json()["updated_at"]
    shown = (await api.get(path, headers=cast.bearer("alice"))).json()
    assert (shown["hmac_token"], shown["old_hmac_token_until"]) == (None, None)
    audit = (await api.get("/v1/audit")).json()["data"][0]
    assert (audit["action"], audit["noun_id"]) == ("rotate", cast.acme.inbox.id)
    assert rotated.json()["hmac_token"] not in str(audit)


@pytest.mark.parametrize("hours", [-1, 169, "x"])
async def test_an_impossible_overlap_is_refused(
    api: httpx.AsyncClient, cast: Cast, hours: object
) -> None:
    path = f"/v1/inboxes/{cast.acme.inbox.id}/rotate-hmac-token"
    assert (await api.post(path, json={"overlap_hours": hours})).status_code == 422


@pytest.mark.parametrize(
    "settings",
    [
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"timezone": 7},
        {"working_hours": [{"day_of_week": 7}]},
        {"working_hours": [{"day_of_week": 1, "open_hour": 24}]},
        {"working_hours": [{"day_of_week": 1}, {"day_of_week": 1}]},
    ],
)
async def test_invalid_inbox_settings_are_refused(api: httpx.AsyncClient, settings: object) -> None:
    response = await api.post("/v1/inboxes", json={"name": "x", "settings": settings})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith("settings")
