"""Contacts over HTTP."""

import httpx

from tests.cast import Cast
from tests.dialects.native.api_client import list_all


async def test_a_contact_is_created_with_its_contact_inbox(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    body = {"name": "Zoe", "identifier": "z-1", "inbox_id": cast.acme.inbox.id.upper()}
    created = (await api.post("/v1/contacts", json=body)).json()
    assert created["place"]["inbox_id"] == cast.acme.inbox.id
    assert len(created["place"]["pubsub_token"]) >= 22
    again = (await api.get(f"/v1/contacts/{created['id']}")).json()
    assert (again["identifier"], again["place"]) == ("z-1", None)
    listed = await list_all(api, "/v1/contacts", inbox_id=cast.acme.inbox.id)
    assert [each["name"] for each in listed] == ["Carol Contact", "Dave Contact", "Zoe"]


async def test_an_identifier_belongs_to_one_contact_until_its_removal(
    api: httpx.AsyncClient,
) -> None:
    created = await api.post("/v1/contacts", json={"identifier": "i"})
    taken = await api.post("/v1/contacts", json={"identifier": "i"})
    assert (taken.status_code, taken.json()["reason"]) == (409, "exists")
    await api.delete(f"/v1/contacts/{created.json()['id']}")
    assert (await api.post("/v1/contacts", json={"identifier": "i"})).status_code == 201


async def test_an_inbox_of_another_tenant_takes_no_contact(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    body = {"identifier": "nowhere", "inbox_id": cast.rival.inbox.id}
    assert (await api.post("/v1/contacts", json=body)).status_code == 422
    assert await list_all(api, "/v1/contacts", search="nowhere") == []
