"""Numbers in paths, and the ids of messages, which the server counts."""

import asyncio

import pytest

from koine.dialects.inbox.path_params import parse_number
from tests.dialects.inbox.conftest import ContactClient, InboxClient


@pytest.mark.parametrize("text", ["", "0", "-1", "+1", " 1", "1.0", "٣", "9" * 17, "x"])
def test_a_segment_that_is_no_positive_integer_is_none(text: str) -> None:
    assert parse_number(text) is None


def test_a_positive_integer_is_parsed() -> None:
    assert parse_number("42") == 42


async def page(contact: ContactClient, number: int, **query: int) -> list[int]:
    """The ids of a page of messages."""
    response = await contact.request("GET", f"/conversations/{number}/messages", params=query)
    return [m["id"] for m in response.json()]


async def test_ids_grow_within_a_conversation_and_stay_small(inbox_client: InboxClient) -> None:
    one, two = [(await inbox_client.carol.create_conversation())["id"] for _ in range(2)]
    messages = await asyncio.gather(
        *(inbox_client.carol.send((one, two)[n % 2], str(n)) for n in range(20))
    )
    ids = {m["id"] for m in messages}
    # Other tests share the database and its counter, and those of archives move it up by millions.
    assert max(ids) < 100_000_000 and max(ids) - min(ids) < 1000
    assert len(ids) == 20
    for number in (one, two):
        shown = await page(inbox_client.carol, number)
        assert shown == sorted(shown)
        assert shown == sorted(m["id"] for m in messages if m["conversation_id"] == number)


async def test_a_page_lies_before_or_after_any_id(inbox_client: InboxClient) -> None:
    one, two = [(await inbox_client.carol.create_conversation())["id"] for _ in range(2)]
    ids = [(await inbox_client.carol.send((one, two)[n % 2], str(n)))["id"] for n in range(8)]
    own_ids = ids[::2]
    for n, id_ in enumerate(ids):
        assert await page(inbox_client.carol, one, before=id_) == own_ids[: (n + 1) // 2]
        assert await page(inbox_client.carol, one, after=id_) == own_ids[n // 2 + 1 :]
    assert (
        await page(inbox_client.carol, one, after=0)
        == own_ids
        == await page(inbox_client.carol, one, before=2**53)
    )
    assert await page(inbox_client.carol, one, before=-1) == []


async def test_an_id_of_another_conversation_is_not_found(inbox_client: InboxClient) -> None:
    one, two = [(await inbox_client.carol.create_conversation())["id"] for _ in range(2)]
    hers = (await inbox_client.carol.send(one, "a"))["id"]
    other = (await inbox_client.carol.send(two, "b"))["id"]
    path = f"/conversations/{one}/messages"
    body: dict[str, object] = {"submitted_values": {}}
    assert (
        await inbox_client.carol.request("PATCH", f"{path}/{hers}", json=body)
    ).status_code == 200
    for unknown in (other, hers + 10**9, 2**53, 1_024 * 2_097_152 + 1):
        response = await inbox_client.carol.request("PATCH", f"{path}/{unknown}", json=body)
        assert response.status_code == 404
