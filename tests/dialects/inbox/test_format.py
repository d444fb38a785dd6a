"""Paths with the format of the original at their end: `.json` (inbox.md, F)."""

from tests.dialects.inbox.conftest import BASE, Door


async def test_every_kind_of_path_may_end_in_json(door: Door) -> None:
    inbox = f"{BASE}/{door.cast.acme.inbox.identifier}"
    assert (await door.web.get(f"{inbox}.json")).json()["name"] == "Website"
    made = (await door.web.post(f"{inbox}/contacts.json", json={"name": "Bea"})).json()
    contact = f"{inbox}/contacts/{made['source_id']}"
    assert (await door.web.get(f"{contact}.json")).json() == made
    talk = (await door.web.post(f"{contact}/conversations.json", json={})).json()
    said = f"{contact}/conversations/{talk['id']}/messages.json"
    assert (await door.web.post(said, json={"content": "hi"})).json()["content"] == "hi"
    assert (await door.web.get(f"{contact}/conversations/{talk['id']}.json")).status_code == 200
    assert (await door.web.get(f"{inbox}/.json")).status_code == 404
