"""Resources that refer to a removed user are read, changed and saved again as before."""

import httpx

from tests.cast import Cast

PATH = "/v1/conversations"


async def remove_user(api: httpx.AsyncClient, cast: Cast, who: str) -> str:
    removed_id = cast.acme.id(who)
    assert (await api.delete(f"/v1/users/{removed_id}")).status_code == 204
    return removed_id


async def test_the_conversation_of_a_delivery_opens_without_its_removed_driver(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    removed_id = await remove_user(api, cast, "dan")
    body = {"delivery_id": cast.acme.deliveries[0].id}
    responses = [await api.post(PATH, json=body) for _ in range(2)]
    assert [response.status_code for response in responses] == [201, 200]
    path = f"{PATH}/{responses[0].json()['id']}/participants"
    joined = [each["identity_id"] for each in (await api.get(path)).json()["data"]]
    assert removed_id not in joined and cast.acme.id("cleo") in joined


async def test_a_delivery_of_a_removed_driver_is_saved_again(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    removed_id = await remove_user(api, cast, "dan")
    row = {"external_reference_id": "ORD-1", "driver_id": removed_id, "status": "done"}
    saved = await api.post("/v1/deliveries/bulk", json={"deliveries": [row]})
    assert saved.status_code == 200, saved.text
    moved = {"external_reference_id": "ORD-4", "customer_id": cast.acme.id("cleo")}
    both = {"deliveries": [row, moved | {"driver_id": removed_id}]}
    refused = await api.post("/v1/deliveries/bulk", json=both)
    assert (refused.status_code, "deliveries.1.driver_id" in refused.text) == (422, True)


async def test_a_conversation_of_a_removed_assignee_is_saved_again(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    created = (await api.post(PATH, json={"title": "Hi"})).json()
    path = f"{PATH}/{created['id']}"
    await api.patch(path, json={"assignee_id": cast.acme.id("olaf")})
    await remove_user(api, cast, "olaf")
    shown = (await api.get(path)).json()
    assert shown["assignee_id"] is None
    body = {"assignee_id": shown["assignee_id"], "priority": "high"}
    changed = await api.patch(path, json=body)
    assert (changed.status_code, changed.json()["priority"]) == (200, "high")
