"""Conversations, participants and tickets over HTTP."""

import httpx
import pytest

from tests.cast import Cast
from tests.dialects.native.api_client import UNKNOWN_ID, list_all

PATH = "/v1/conversations"


async def open_inbox_conversation(api: httpx.AsyncClient, cast: Cast, **more: object) -> str:
    """A conversation of Carol in the website inbox."""
    body = {"inbox_id": cast.acme.inbox.id, "owner_id": cast.acme.id("carol")} | more
    response = await api.post(PATH, json=body)
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def test_a_conversation_is_opened_and_shown(api: httpx.AsyncClient, cast: Cast) -> None:
    name = await open_inbox_conversation(
        api, cast, title="Hi", priority="high", custom_attributes={"a": [1]}
    )
    shown = (await api.get(f"{PATH}/{name.upper()}")).json()
    assert (shown["title"], shown["priority"], shown["status"]) == ("Hi", "high", "open")
    assert shown["custom_attributes"] == {"a": [1]}
    assert shown["owner"]["name"] == "Carol Contact"
    assert shown["responder"]["name"] == "Assistant"
    assert (shown["last_message"], shown["unread_count"]) == (None, 0)


async def test_a_conversation_is_changed(api: httpx.AsyncClient, cast: Cast) -> None:
    path = f"{PATH}/{await open_inbox_conversation(api, cast, metadata={'k': 1})}"
    alice = cast.acme.id("alice")
    changes = {"status": "snoozed", "assignee_id": alice, "labels": ["vip"], "metadata": None}
    changed = (await api.patch(path, json=changes)).json()
    assert {name: changed[name] for name in changes} == changes
    assert (changed["assignee"]["id"], changed["responder_active"]) == (alice, False)
    freed = (await api.patch(path, json={"assignee_id": None})).json()
    assert (freed["assignee"], freed["responder_active"]) == (None, True)


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({"inbox_id": UNKNOWN_ID}, 404, None),
        ({"inbox_id": "x"}, 422, "inbox_id"),
        ({"owner_id": UNKNOWN_ID}, 404, None),
        ({"status": "done"}, 422, "status"),
        ({"participants": [{"identity_id": "x"}]}, 422, "participants.0.identity_id"),
        ({"participants": [{"identity_id": UNKNOWN_ID}]}, 422, "participants"),
        ({"delivery_id": UNKNOWN_ID}, 404, None),
        ({"delivery_id": UNKNOWN_ID, "inbox_id": UNKNOWN_ID}, 422, "inbox_id"),
    ],
)
async def test_an_invalid_conversation_is_refused(
    api: httpx.AsyncClient, body: dict[str, object], status: int, where: str | None
) -> None:
    response = await api.post(PATH, json=body)
    assert response.status_code == status
    assert [each["field"] for each in response.json()["errors"]] == ([where] if where else [])
    assert await list_all(api, PATH) == []


async def test_a_delivery_has_one_conversation(api: httpx.AsyncClient, cast: Cast) -> None:
    body = {"delivery_id": cast.acme.deliveries[0].id}
    first, second = await api.post(PATH, json=body), await api.post(PATH, json=body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert first.json()["kind"] == "order"


async def test_every_filter_finds_its_conversations(api: httpx.AsyncClient, cast: Cast) -> None:
    acme = cast.acme
    wanted = await open_inbox_conversation(
        api, cast, title="Needle", status="pending", priority="urgent"
    )
    await api.patch(f"{PATH}/{wanted}", json={"assignee_id": acme.id("alice")})
    await api.post(PATH, json={"title": "Hay", "participants": [{"identity_id": acme.id("dan")}]})
    filters: list[dict[str, object]] = [
        {"status": "pending,snoozed"},
        {"priority": "urgent"},
        {"assignee_id": acme.id("alice")},
        {"participant_id": acme.id("alice")},
        {"inbox_id": acme.inbox.id},
        {"owner_id": f"{acme.id('carol')},{UNKNOWN_ID}"},
        {"responder_id": str(acme.tenant.default_responder_id), "search": "needle"},
        {"channel_type": "api"},
        {"search": "CAROL"},
        {"kind": "chat", "status": "pending"},
    ]
    for each in filters:
        assert [c["id"] for c in await list_all(api, PATH, **each)] == [wanted], each
    assert len(await list_all(api, PATH)) == 2


async def test_times_bound_the_last_message(api: httpx.AsyncClient, cast: Cast) -> None:
    name = await open_inbox_conversation(api, cast)
    message = await api.post(f"{PATH}/{name}/messages", json={"content": "now"})
    at = message.json()["created_at"]
    assert len(await list_all(api, PATH, last_message_from=at)) == 1
    assert await list_all(api, PATH, last_message_to="2001-01-01T00:00:00Z") == []
    bad = await api.get(PATH, params={"last_message_from": "yesterday"})
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "last_message_from")


async def test_users_without_permission_list_their_own(api: httpx.AsyncClient, cast: Cast) -> None:
    await open_inbox_conversation(api, cast)
    own = await open_inbox_conversation(
        api, cast, participants=[{"identity_id": cast.acme.id("dan")}]
    )
    api.headers.update(cast.bearer("dan"))
    assert [c["id"] for c in await list_all(api, PATH)] == [own]
    assert [c["id"] for c in await list_all(api, PATH, mine="true")] == [own]
    other = await api.get(PATH, params={"participant_id": cast.acme.id("olaf")})
    assert other.status_code == 403


async def test_mine_lists_what_the_caller_takes_part_in(api: httpx.AsyncClient, cast: Cast) -> None:
    await open_inbox_conversation(api, cast)
    own = await open_inbox_conversation(
        api, cast, participants=[{"identity_id": cast.acme.id("ada")}]
    )
    assert [c["id"] for c in await list_all(api, PATH, mine="true")] == [own]


async def test_pages_follow_each_other_without_gaps(api: httpx.AsyncClient, cast: Cast) -> None:
    created = []
    for _ in range(5):
        created.append(await open_inbox_conversation(api, cast))
        cast.clock.advance(seconds=1)
    assert [c["id"] for c in await list_all(api, PATH)] == created[::-1]


async def test_a_removed_conversation_is_not_found(api: httpx.AsyncClient, cast: Cast) -> None:
    path = f"{PATH}/{await open_inbox_conversation(api, cast)}"
    assert (await api.delete(path)).status_code == 204
    assert (await api.get(path)).status_code == 404
    assert await list_all(api, PATH) == []


async def test_a_deletion_is_in_the_audit_log_with_its_reason(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    path = f"{PATH}/{await open_inbox_conversation(api, cast)}"
    await api.post(f"{path}/messages", json={"content": "secret"})
    response = await api.delete(path, params={"mode": "permanent", "reason": "asked to"})
    assert response.status_code == 204
    (entry,) = await list_all(api, "/v1/audit", noun="conversation", action="delete")
    assert entry["detail"] == {"reason": "asked to", "messages": 1, "number": 1}


async def test_a_removed_conversation_can_still_be_deleted(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    path = f"{PATH}/{await open_inbox_conversation(api, cast)}"
    await api.delete(path)
    for status in (204, 404):
        response = await api.delete(path, params={"mode": "permanent"})
        assert response.status_code == status


async def test_participants_are_added_changed_and_removed(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    path = f"{PATH}/{await open_inbox_conversation(api, cast)}/participants"
    dan = {"identity_id": cast.acme.id("dan")}
    added, again = await api.post(path, json=dan), await api.post(path, json=dan)
    assert (added.status_code, again.status_code) == (201, 200)
    one = f"{path}/{cast.acme.id('dan')}"
    assert (await api.patch(one, json={"role": "admin"})).json()["role"] == "admin"
    assert (await api.delete(one)).status_code == 204
    assert (await api.delete(one)).status_code == 404
    listed = {p["identity_id"]: p["left_at"] for p in await list_all(api, path, limit=1)}
    assert listed[cast.acme.id("carol")] is None
    assert listed[cast.acme.id("dan")] is not None


async def test_a_participant_is_of_the_tenant(api: httpx.AsyncClient, cast: Cast) -> None:
    path = f"{PATH}/{await open_inbox_conversation(api, cast)}/participants"
    response = await api.post(path, json={"identity_id": cast.rival.id("dan")})
    assert response.json()["errors"][0]["field"] == "identity_id"
    nobody = await api.patch(f"{path}/{cast.rival.id('dan')}", json={"role": "admin"})
    assert nobody.status_code == 404


async def test_a_ticket_is_opened_taken_and_completed(api: httpx.AsyncClient, cast: Cast) -> None:
    name = await open_inbox_conversation(api, cast)
    ticket = await api.post(f"{PATH}/{name}/tickets")
    assert (ticket.status_code, ticket.json()["status"]) == (201, "pending")
    assert (await api.post(f"{PATH}/{name}/tickets")).status_code == 409
    path = f"/v1/tickets/{ticket.json()['id']}"
    taken = (await api.post(f"{path}/take")).json()
    assert (taken["status"], taken["assignee_id"]) == ("ongoing", cast.acme.id("ada"))
    assert (await api.post(f"{path}/complete")).json()["status"] == "completed"
    assert (await api.get(path)).json()["completed_at"] is not None
    assert (await api.post(f"{path}/take")).status_code == 409


@pytest.mark.parametrize("suffix", ["", "/participants", "/messages", "/messages/" + UNKNOWN_ID])
async def test_a_conversation_that_the_caller_may_not_see_is_not_found(
    api: httpx.AsyncClient, cast: Cast, suffix: str
) -> None:
    path = f"{PATH}/{await open_inbox_conversation(api, cast)}{suffix}"
    same = {"X-Request-Id": "one"}
    for who in (cast.bearer("ada", "rival"), cast.bearer("olaf")):
        hidden = await api.get(path, headers=who | same)
        absent = await api.get(f"{PATH}/{UNKNOWN_ID}{suffix}", headers=who | same)
        assert (hidden.status_code, hidden.content) == (404, absent.content)


async def test_an_api_key_without_the_permission_reads_no_conversations(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    name = await open_inbox_conversation(
        api, cast, participants=[{"identity_id": cast.acme.id("ada")}]
    )
    body = {"name": "hooks", "permissions": ["read:webhooks"]}
    secret = (await api.post("/v1/api-keys", json=body)).json()["secret"]
    headers = {"Authorization": f"Bearer {secret}"}
    for path in (PATH, f"{PATH}/{name}", f"{PATH}/{name}/messages"):
        assert (await api.get(path, headers=headers)).status_code == 403
    message = await api.post(f"{PATH}/{name}/messages", json={"content": "x"}, headers=headers)
    assert message.status_code == 403


async def open_as_customer(api: httpx.AsyncClient, cast: Cast) -> str:
    """The conversation of a delivery, which its customer Cleo opened: she is its admin."""
    body = {"delivery_id": cast.acme.deliveries[0].id}
    created = await api.post(PATH, json=body, headers=cast.bearer("cleo"))
    return f"{PATH}/{created.json()['id']}"


async def test_an_admin_of_a_conversation_changes_its_title_status_and_metadata(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    path, cleo = await open_as_customer(api, cast), cast.bearer("cleo")
    body = {"title": "New", "status": "closed", "metadata": {"a": 1}}
    changed = (await api.patch(path, json=body, headers=cleo)).json()
    assert {name: changed[name] for name in body} == body


@pytest.mark.parametrize("field", ["assignee_id", "labels", "priority", "custom_attributes"])
async def test_an_admin_who_is_no_agent_changes_no_field_of_agents(
    api: httpx.AsyncClient, cast: Cast, field: str
) -> None:
    values = {"assignee_id": cast.acme.id("cleo"), "labels": ["x"], "priority": "urgent"}
    body = {field: values.get(field, {"a": 1})}
    path, cleo = await open_as_customer(api, cast), cast.bearer("cleo")
    assert (await api.patch(path, json=body, headers=cleo)).status_code == 403
    assert (await api.post(f"{path}/tickets", headers=cleo)).status_code == 403
    assert (await api.patch(path, json=body)).status_code == 200
