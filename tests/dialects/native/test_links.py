"""Links to avatars are http or https, or uploads: never scripts."""

import httpx
import pytest

INVALID_LINKS = [
    "", "javascript:alert(1)", " JaVaScRiPt:alert(1)", "\x01javascript:x", "data:text/html,x",
    "vbscript:x", "//a.test/x.png", "/etc/x.png", "/files/../x.png", "file:///etc/passwd",
]  # fmt: skip


@pytest.mark.parametrize("path", ["users", "contacts", "responders"])
async def test_an_avatar_url_is_no_script(api: httpx.AsyncClient, path: str) -> None:
    for link, status in ((None, 201), ("/files/k/1.png", 201), ("https://a.test/1.png", 201)):
        created = await api.post(f"/v1/{path}", json={"name": "Robot", "avatar_url": link})
        assert created.status_code == status
    resource = f"/v1/{path}/{created.json()['id']}"
    for link in INVALID_LINKS:
        new = await api.post(f"/v1/{path}", json={"name": "Robot", "avatar_url": link})
        changed = await api.patch(resource, json={"avatar_url": link})
        for response in (new, changed):
            assert response.status_code == 422
            assert response.json()["errors"][0]["field"] == "avatar_url"
    assert (await api.get(resource)).json()["avatar_url"] == "https://a.test/1.png"


async def test_an_inbox_avatar_url_is_no_script(api: httpx.AsyncClient) -> None:
    good = {"name": "Site", "settings": {"avatar_url": "https://a.test/1.png"}}
    created = await api.post("/v1/inboxes", json=good)
    assert created.status_code == 201
    resource = f"/v1/inboxes/{created.json()['id']}"
    for link in INVALID_LINKS[1:]:
        body = {"name": "Site", "settings": {"avatar_url": link}}
        for response in (
            await api.post("/v1/inboxes", json=body),
            await api.patch(resource, json=body),
        ):
            assert response.status_code == 422
            assert response.json()["errors"][0]["field"] == "settings.avatar_url"
    assert (await api.get(resource)).json()["settings"] == good["settings"]
