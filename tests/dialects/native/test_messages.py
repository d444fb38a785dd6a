"""Messages over HTTP: sending, listing, read marks."""

import httpx
import pytest

from koine.engine import tenants
from koine.engine.conversations import conversations
from koine.engine.conversations.delivery_conversations import Joining
from koine.engine.tenants import TenantChanges
from koine.model.conversation import NewConversation
from tests.cast import Cast
from tests.dialects.native.api_client import UNKNOWN_ID, list_all
from tests.dialects.native.test_conversations import PATH, open_inbox_conversation


@pytest.fixture
async def path(api: httpx.AsyncClient, cast: Cast) -> str:
    """The path of a conversation whose only participant of the team is Dan."""
    joining = [{"identity_id": cast.acme.id("dan")}]
    return f"{PATH}/{await open_inbox_conversation(api, cast, participants=joining)}"


async def open_support_conversation(cast: Cast) -> str:
    """A support conversation that Ada opened, with Cleo in it; Dora is the support user."""
    ada, dora = cast.acme.actor("ada"), cast.acme.id("dora")
    joining: Joining = ((cast.acme.id("cleo"), "member"),)
    new = NewConversation(kind="support", participants=joining)
    conversation = await conversations.create(cast.engine, ada, new)
    await tenants.change(cast.engine, ada, TenantChanges(support_user_ids=[dora]))
    return f"{PATH}/{conversation.id}"


async def post_message(
    api: httpx.AsyncClient, path: str, content: str, **more: object
) -> httpx.Response:
    return await api.post(f"{path}/messages", json={"content": content} | more)


async def test_staff_send_to_any_conversation(api: httpx.AsyncClient, path: str) -> None:
    message = (await post_message(api, path, "hello", metadata={"a": 1})).json()
    sender = message["sender"]
    assert (message["seq"], sender["name"], sender["kind"]) == (1, "Ada User", "user")
    assert (message["metadata"], message["private"]) == ({"a": 1}, False)
    assert message["attachments"] == []
    assert (await api.get(f"{path}/messages/{message['id']}")).json() == message


async def test_others_send_where_they_are_participants(
    api: httpx.AsyncClient, cast: Cast, path: str
) -> None:
    api.headers.update(cast.bearer("dan"))
    assert (await post_message(api, path, "here")).status_code == 201
    api.headers.update(cast.bearer("dora"))
    assert (await post_message(api, path, "I only watch")).status_code == 403
    api.headers.update(cast.bearer("olaf"))
    assert (await post_message(api, path, "let me in")).status_code == 404


@pytest.mark.parametrize(
    "more", [{"private": True}, {"as_responder": True}, {"when_closed": "reopen"}]
)
async def test_only_staff_use_the_fields_for_staff(
    api: httpx.AsyncClient, cast: Cast, path: str, more: dict[str, object]
) -> None:
    api.headers.update(cast.bearer("dan"))
    assert (await post_message(api, path, "x", **more)).status_code == 403


async def test_staff_send_as_the_responder(api: httpx.AsyncClient, cast: Cast, path: str) -> None:
    sender = (await post_message(api, path, "I am a bot", as_responder=True)).json()["sender"]
    assert sender["id"] == cast.acme.tenant.default_responder_id
    assert sender["kind"] == "responder"


async def test_only_staff_see_private_notes(api: httpx.AsyncClient, cast: Cast, path: str) -> None:
    note = (await post_message(api, path, "psst", private=True)).json()
    await post_message(api, path, "hello")
    assert [m["content"] for m in await list_all(api, f"{path}/messages")] == ["hello", "psst"]
    api.headers.update(cast.bearer("dan"))
    assert [m["content"] for m in await list_all(api, f"{path}/messages")] == ["hello"]
    assert (await api.get(f"{path}/messages/{note['id']}")).status_code == 404
    assert (await api.get(path)).json()["message_count"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "content"),
        ({"content": "  "}, "content"),
        ({"content": "x" * 150_001}, "content"),
        ({"type": "image"}, "content_url"),
        ({"content": "x", "content_url": "javascript:alert(1)"}, "content_url"),
        ({"type": "image", "content_url": "data:text/html,x"}, "content_url"),
        ({"type": "html", "content": "x"}, "type"),
        ({"content": "x", "parent_id": "x"}, "parent_id"),
        ({"content": "x", "parent_id": UNKNOWN_ID}, "parent_id"),
        ({"content": "x", "metadata": []}, "metadata"),
    ],
)
async def test_an_invalid_message_is_refused(
    api: httpx.AsyncClient, path: str, body: dict[str, object], field: str
) -> None:
    response = await api.post(f"{path}/messages", json=body)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, field)


async def test_when_closed_decides_about_a_message_to_a_closed_conversation(
    api: httpx.AsyncClient, path: str
) -> None:
    await api.patch(path, json={"status": "closed"})
    refused = await post_message(api, path, "late")
    assert (refused.status_code, refused.json()["reason"]) == (409, "closed")
    assert (await post_message(api, path, "aside", when_closed="keep")).status_code == 201
    assert (await api.get(path)).json()["status"] == "closed"
    assert (await post_message(api, path, "again", when_closed="reopen")).status_code == 201
    assert (await api.get(path)).json()["status"] == "open"


async def test_a_client_message_id_makes_one_message_for_each_sender(
    api: httpx.AsyncClient, cast: Cast, path: str
) -> None:
    first, again = [await post_message(api, path, "hi", client_message_id="1") for _ in range(2)]
    assert first.json() == again.json()
    assert first.json()["client_message_id"] == "1"
    api.headers.update(cast.bearer("dan"))
    other = await post_message(api, path, "ho", client_message_id="1")
    assert (other.json()["content"], other.json()["seq"]) == ("ho", 2)


async def test_an_idempotency_key_makes_one_message_for_each_caller(
    api: httpx.AsyncClient, cast: Cast, path: str
) -> None:
    api.headers["Idempotency-Key"] = "k"
    first, again = [await post_message(api, path, "hi") for _ in range(2)]
    assert first.json() == again.json()
    api.headers.update(cast.bearer("dan"))
    assert (await post_message(api, path, "ho")).json()["seq"] == 2


async def test_messages_are_paged_both_ways(api: httpx.AsyncClient, path: str) -> None:
    for n in range(1, 6):
        await post_message(api, path, str(n))
    newest = [m["seq"] for m in await list_all(api, f"{path}/messages")]
    assert newest == [5, 4, 3, 2, 1]
    oldest = [m["seq"] for m in await list_all(api, f"{path}/messages", order="asc")]
    assert oldest == [1, 2, 3, 4, 5]
    between = [m["seq"] for m in await list_all(api, f"{path}/messages", before=5, after=1)]
    assert between == [4, 3, 2]


async def test_times_bound_the_messages(api: httpx.AsyncClient, cast: Cast, path: str) -> None:
    times = []
    for n in range(3):
        times.append((await post_message(api, path, str(n))).json()["created_at"])
        cast.clock.advance(seconds=1)
    bounds = {"from": times[1], "to": times[1].replace(".000Z", ".999Z")}
    assert [m["content"] for m in await list_all(api, f"{path}/messages", **bounds)] == ["1"]


async def test_a_participant_moves_its_read_mark(
    api: httpx.AsyncClient, cast: Cast, path: str
) -> None:
    ids = [(await post_message(api, path, str(n))).json()["id"] for n in range(3)]
    api.headers.update(cast.bearer("dan"))
    assert (await api.get(path)).json()["unread_count"] == 3
    moved = await api.post(f"{path}/read", json={"message_id": ids[1]})
    assert moved.json() == {"moved": True}
    assert (await api.get(path)).json()["unread_count"] == 1
    back = await api.post(f"{path}/read", json={"message_id": ids[0]})
    assert back.json()["moved"] is False
    assert (await api.post(f"{path}/read")).json()["moved"] is True
    assert (await api.get(path)).json()["unread_count"] == 0


async def test_the_list_previews_the_newest_message(api: httpx.AsyncClient, path: str) -> None:
    await post_message(api, path, "one")
    await post_message(api, path, "two")
    (shown,) = await list_all(api, PATH)
    assert shown["last_message"]["content"] == "two"  # type: ignore[index]  # a preview
    assert shown["previous_message"]["content"] == "one"  # type: ignore[index]  # a preview


@pytest.mark.parametrize(("who", "status"), [("dora", 200), ("alice", 403), ("olaf", 404)])
async def test_support_conversations_are_read_by_support_users(
    api: httpx.AsyncClient, cast: Cast, who: str, status: int
) -> None:
    path = await open_support_conversation(cast)
    message = (await post_message(api, path, "help")).json()
    for each in ("messages", f"messages/{message['id']}"):
        response = await api.get(f"{path}/{each}", headers=cast.bearer(who))
        assert response.status_code == status


async def test_a_key_reads_support_conversations(api: httpx.AsyncClient, cast: Cast) -> None:
    headers = {"Authorization": f"Bearer {cast.acme.read_only_key}"}
    response = await api.get(f"{await open_support_conversation(cast)}/messages", headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize("late", [0, 456, 999])
async def test_a_range_of_one_shown_time_finds_the_message_of_that_time(
    api: httpx.AsyncClient, cast: Cast, path: str, late: int
) -> None:
    cast.clock.advance(seconds=1 + late / 1_000_000)
    message = (await api.post(f"{path}/messages", json={"content": "now"})).json()
    at = message["created_at"]
    for moment in (at, at.replace("Z", "+00"), at.replace("Z", "+0000")):
        found = await api.get(f"{path}/messages", params={"from": moment, "to": moment})
        assert [m["id"] for m in found.json()["data"]] == [message["id"]]
        bounds = {"last_message_from": moment, "last_message_to": moment}
        listed = (await api.get(PATH, params=bounds)).json()["data"]
        assert [path.endswith(each["id"]) for each in listed] == [True]
    cast.clock.advance(seconds=0.001)
    await api.post(f"{path}/messages", json={"content": "later"})
    found = await api.get(f"{path}/messages", params={"to": at})
    assert [m["content"] for m in found.json()["data"]] == ["now"]


async def test_a_reply_to_a_private_note_needs_the_right_to_see_it(
    api: httpx.AsyncClient, cast: Cast, path: str
) -> None:
    note = (await api.post(f"{path}/messages", json={"content": "x", "private": True})).json()
    body = {"content": "re", "parent_id": note["id"]}
    refused = await api.post(f"{path}/messages", json=body, headers=cast.bearer("dan"))
    unknown = await api.post(
        f"{path}/messages", json=body | {"parent_id": UNKNOWN_ID}, headers=cast.bearer("dan")
    )
    assert (refused.status_code, refused.json()["errors"]) == (422, unknown.json()["errors"])
    assert (await api.post(f"{path}/messages", json=body)).status_code == 201
