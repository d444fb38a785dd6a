"""Responders and their versions over HTTP."""

import httpx

from tests.dialects.native.api_client import list_all


async def test_a_responder_gets_numbered_versions(api: httpx.AsyncClient) -> None:
    body = {"name": "Squad", "kind": "squad", "settings": {"prompt": "1"}}
    created = (await api.post("/v1/responders", json=body)).json()
    path = f"/v1/responders/{created['id']}"
    added = await api.post(f"{path}/versions", json={"settings": {"prompt": "2"}})
    assert (added.status_code, added.json()["number"]) == (201, 2)
    versions = await list_all(api, f"{path}/versions", limit=1)
    assert [each["settings"] for each in versions] == [{"prompt": "1"}, {"prompt": "2"}]
    assert (await api.patch(path, json={"name": "Team"})).json()["name"] == "Team"
    assert [each["name"] for each in await list_all(api, "/v1/responders", kind="squad")] == [
        "Team"
    ]
