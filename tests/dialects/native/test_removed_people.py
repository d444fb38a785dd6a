"""What names someone who was removed since is read, changed and put back as before."""

import httpx

from tests.cast import Cast

PATH = "/v1/conversations"


async def remove_user(api: httpx.AsyncClient, cast: Cast, who: str) -> str:
    gone = cast.acme.id(who)
    assert (await api.delete(f"/v1/users/{gone}")).status_code == 204
    return gone


async def test_a_deliverys_conversation_opens_without_its_driver(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    gone = await remove_user(api, cast, "dan")
    body = {"delivery_id": cast.acme.deliveries[0].id}
    answers = [await api.post(PATH, json=body) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 200]
    path = f"{PATH}/{answers[0].json()['id']}/participants"
    joined = [each["identity_id"] for each in (await api.get(path)).json()["data"]]
    assert gone not in joined and cast.acme.id("cleo") in joined


async def test_deliveries_are_saved_again_as_they_are(api: httpx.AsyncClient, cast: Cast) -> None:
    gone = await remove_user(api, cast, "dan")
    row = {"external_reference_id": "ORD-1", "driver_id": gone, "status": "done"}
    saved = await api.post("/v1/deliveries/bulk", json={"deliveries": [row]})
    assert saved.status_code == 200, saved.text
    moved = {"external_reference_id": "ORD-4", "customer_id": cast.acme.id("cleo")}
    both = {"deliveries": [row, moved | {"driver_id": gone}]}
    refused = await api.post("/v1/deliveries/bulk", json=both)
    assert (refused.status_code, "deliveries.1.driver_id" in refused.text) == (422, True)


async def test_what_was_shown_is_put_back_with_another_priority(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    made = (await api.post(PATH, json={"title": "Hi"})).json()
    path = f"{PATH}/{made['id']}"
    await api.patch(path, json={"assignee_id": cast.acme.id("olaf")})
    await remove_user(api, cast, "olaf")
    shown = (await api.get(path)).json()
    assert shown["assignee_id"] is None
    body = {"assignee_id": shown["assignee_id"], "priority": "high"}
    changed = await api.patch(path, json=body)
    assert (changed.status_code, changed.json()["priority"]) == (200, "high")
