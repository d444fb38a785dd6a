from typing import Any

import pytest

from tests.http.example_dialect import client

DEFAULTS = {"page": 1, "status": None, "ids": None, "deep": False, "search": None}


async def read(query: str) -> Any:
    response = await client().get(f"/tiny/things?{query}")
    assert response.status_code == 200, response.text
    values = response.json()["query"]
    return {name: value for name, value in values.items() if value != DEFAULTS[name]}


@pytest.mark.parametrize("query", ["", "page=&status=&ids=&ids[]=&search=", "&&", "other=1", "=1"])
async def test_nothing_or_empty_is_the_default(query: str) -> None:
    assert await read(query) == {}


@pytest.mark.parametrize(
    "query",
    [
        "ids=a&ids=b",
        "ids[]=a&ids[]=b",
        "ids=a,b",
        "ids%5B%5D=a,b,",
        "ids=a&ids[]=b",
        "ids[]=a&ids=b",
    ],
)
async def test_a_list_is_written_in_many_ways(query: str) -> None:
    assert await read(query) == {"ids": ["a", "b"]}


async def test_one_item_is_a_list_too() -> None:
    assert await read("ids=a") == {"ids": ["a"]}
    assert await read("ids[]=a") == {"ids": ["a"]}


async def test_text_is_decoded_and_stays_text() -> None:
    assert await read("search=a+b%20c%C3%A9") == {"search": "a b cé"}
    assert await read("search=null") == {"search": "null"}
    assert await read("search=12") == {"search": "12"}
    assert await read("search=a,b") == {"search": "a,b"}


async def test_numbers_and_booleans_are_read() -> None:
    assert await read("page=7&deep=true&status=closed") == {
        "page": 7,
        "deep": True,
        "status": "closed",
    }


async def test_of_a_name_given_twice_the_last_counts() -> None:
    assert await read("page=2&page=3") == {"page": 3}


@pytest.mark.parametrize("page", ["1.0", "1e3", "-1", "0", "101", "9" * 40, "x", "%20", "١", "0x1"])
async def test_no_other_number_passes(page: str) -> None:
    response = await client().get(f"/tiny/things?page={page}")
    assert (response.status_code, response.json()["field"]) == (422, "page")


@pytest.mark.parametrize(("query", "field"), [("status=lost", "status"), ("deep=maybe", "deep")])
async def test_a_wrong_value_is_named(query: str, field: str) -> None:
    response = await client().get(f"/tiny/things?{query}")
    assert (response.status_code, response.json()["field"]) == (422, field)


@pytest.mark.parametrize("query", ["search=%00", "search=%ff", "%00=1", "search=%ed%a0%80"])
async def test_unreadable_bytes_are_malformed(query: str) -> None:
    response = await client().get(f"/tiny/things?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "Malformed")


async def test_a_thousand_fields_are_enough() -> None:
    assert (await client().get("/tiny/things?" + "a=1&" * 2000)).status_code == 400
