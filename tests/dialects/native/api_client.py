"""Requests that several tests of the native API make."""

import httpx

from tests.cast import Cast

UNKNOWN_ID = "00000000-0000-7000-8000-000000000000"


async def list_all(api: httpx.AsyncClient, path: str, **params: object) -> list[dict[str, object]]:
    """All items of a list, page by page."""
    found: list[dict[str, object]] = []
    query: dict[str, object] = {"limit": 2} | params
    while True:
        page = (await api.get(path, params=query)).json()  # type: ignore[arg-type]  # plain values
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


async def open_conversation(client: httpx.AsyncClient, cast: Cast, *who: str) -> str:
    """A conversation that Ada opens with these participants."""
    joining = [{"identity_id": cast.acme.id(each)} for each in who]
    response = await client.post(
        "/v1/conversations", json={"participants": joining}, headers=cast.bearer("ada")
    )
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def send_message(
    client: httpx.AsyncClient,
    cast: Cast,
    conversation_id: str,
    text: str,
    who: str = "alice",
    **more: object,
) -> dict[str, object]:
    """A message, sent through the API."""
    response = await client.post(
        f"/v1/conversations/{conversation_id}/messages",
        json={"content": text} | more,
        headers=cast.bearer(who),
    )
    assert response.status_code == 201, response.text
    message: dict[str, object] = response.json()
    return message


async def send_messages(
    client: httpx.AsyncClient, cast: Cast, conversation_id: str, count: int
) -> None:
    for n in range(count):
        await send_message(client, cast, conversation_id, f"{n}")
