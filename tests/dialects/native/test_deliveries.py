"""Deliveries over HTTP, one and many."""

import httpx
import pytest

from tests.cast import Cast
from tests.dialects.native.api_client import UNKNOWN_ID, list_all


async def test_a_delivery_is_saved_by_its_reference(api: httpx.AsyncClient, cast: Cast) -> None:
    body = {"external_reference_id": "R-1", "customer_id": cast.acme.id("cleo")}
    created = await api.post("/v1/deliveries", json=body)
    again = await api.post("/v1/deliveries", json=body | {"driver_id": cast.acme.id("dan")})
    assert (created.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == created.json()["id"]
    shown = await api.get(f"/v1/deliveries/{created.json()['id']}")
    assert shown.json()["driver_id"] == cast.acme.id("dan")


async def test_many_deliveries_are_saved_in_order_or_not_at_all(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    cleo = cast.acme.id("cleo")
    many = [{"external_reference_id": f"B-{n}", "customer_id": cleo} for n in range(5)]
    saved = await api.post("/v1/deliveries/bulk", json={"deliveries": many})
    assert [each["external_reference_id"] for each in saved.json()["data"]] == [
        f"B-{n}" for n in range(5)
    ]
    many[3] = {"external_reference_id": "B-new", "customer_id": cast.rival.id("cleo")}
    many[0]["delivery_code"] = "changed"
    refused = await api.post("/v1/deliveries/bulk", json={"deliveries": many})
    assert refused.json()["errors"][0]["field"] == "deliveries.3.customer_id"
    codes = [each["delivery_code"] for each in await list_all(api, "/v1/deliveries")]
    assert (len(codes), "changed" in codes) == (8, False)


@pytest.mark.parametrize("count", [0, 501])
async def test_bulk_takes_1_to_500(api: httpx.AsyncClient, count: int) -> None:
    body = {"deliveries": [{"customer_id": UNKNOWN_ID}] * count}
    assert (await api.post("/v1/deliveries/bulk", json=body)).status_code == 422


async def test_an_invalid_field_of_one_delivery_is_named_without_a_prefix(
    api: httpx.AsyncClient,
) -> None:
    for body in ({"customer_id": "x"}, {"customer_id": UNKNOWN_ID}, {}):
        response = await api.post("/v1/deliveries", json=body)
        assert response.json()["errors"][0]["field"] == "customer_id"
