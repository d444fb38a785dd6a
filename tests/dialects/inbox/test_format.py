"""Paths that end in `.json`, the format of the original (inbox.md, F)."""

from tests.dialects.inbox.conftest import BASE, InboxClient


async def test_every_api_path_may_end_in_json(inbox_client: InboxClient) -> None:
    inbox = f"{BASE}/{inbox_client.cast.acme.inbox.identifier}"
    assert (await inbox_client.web.get(f"{inbox}.json")).json()["name"] == "Website"
    created = (await inbox_client.web.post(f"{inbox}/contacts.json", json={"name": "Bea"})).json()
    contact = f"{inbox}/contacts/{created['source_id']}"
    assert (await inbox_client.web.get(f"{contact}.json")).json() == created
    conversation = (await inbox_client.web.post(f"{contact}/conversations.json", json={})).json()
    path = f"{contact}/conversations/{conversation['id']}/messages.json"
    assert (await inbox_client.web.post(path, json={"content": "hi"})).json()["content"] == "hi"
    assert (
        await inbox_client.web.get(f"{contact}/conversations/{conversation['id']}.json")
    ).status_code == 200
    assert (await inbox_client.web.get(f"{inbox}/.json")).status_code == 404
