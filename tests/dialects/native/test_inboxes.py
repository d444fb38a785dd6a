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
    assert shown["hmac_token"] == cast.acme.inbox.hmac_token
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
