"""Sequences of changes whose events depend on what happened before."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from koine.kit.ids import new_id
from tests.cast import CastTenant
from tests.drivers.cast_app import CastApp

SCENARIOS: dict[str, Callable[["Scenario"], Awaitable[None]]] = {}
CONVERSATIONS = "/v1/conversations"


class Scenario(Struct):
    """Makes requests as anyone; `check`, between two steps, compares clients with the server."""

    cast_app: CastApp
    check: Callable[[], Awaitable[None]]

    @property
    def acme(self) -> CastTenant:
        return self.cast_app.cast.acme

    async def request(self, who: str, method: str, path: str, body: object = None) -> Any:
        """The response to a user."""
        self.cast_app.cast.clock.advance(seconds=1)
        response = await self.cast_app.call.with_headers(self.cast_app.cast.bearer(who))(
            method, path, body
        )
        assert response.status < 300, (method, path, response.text)
        return response.json() if response.content else None

    async def request_as_contact(
        self, who: str, method: str, path: str, body: object = None
    ) -> Any:
        """The response to a contact of the website, through the inbox API."""
        self.cast_app.cast.clock.advance(seconds=1)
        response = await self.cast_app.call(method, f"{self.contact_path(who)}{path}", body)
        assert response.status < 300, (method, path, response.text)
        return response.json() if response.content else None

    def contact_path(self, who: str) -> str:
        """The path of a contact of the website in the inbox API."""
        source_id = self.acme.contact_inboxes[who].source_id
        return f"/public/api/v1/inboxes/{self.acme.inbox.identifier}/contacts/{source_id}"

    async def open_conversation(self, *who: str, owner: str = "carol") -> str:
        """A new conversation with these participants."""
        participants = [{"identity_id": self.acme.id(each)} for each in who]
        body = {"owner_id": self.acme.id(owner), "participants": participants}
        created = await self.request(
            "ada", "POST", CONVERSATIONS, body | {"inbox_id": self.acme.inbox.id}
        )
        await self.check()
        return str(created["id"])

    async def send_message(self, who: str, conversation_id: str, **more: object) -> Any:
        """Send a message, then check."""
        body = {"content": "hello"} | more
        message = await self.request(
            who, "POST", f"{CONVERSATIONS}/{conversation_id}/messages", body
        )
        await self.check()
        return message


def scenario(run: Callable[[Scenario], Awaitable[None]]) -> Callable[[Scenario], Awaitable[None]]:
    """Register a scenario under its name."""
    SCENARIOS[run.__name__] = run
    return run


@scenario
async def private_notes(t: Scenario) -> None:
    conversation_id = await t.open_conversation("dan", "alice")
    await t.send_message("alice", conversation_id)
    await t.send_message("alice", conversation_id, private=True)
    await t.send_message("ada", conversation_id, private=True)
    await t.request("dan", "POST", f"{CONVERSATIONS}/{conversation_id}/read", {})
    await t.check()
    await t.request("alice", "POST", f"{CONVERSATIONS}/{conversation_id}/read", {})
    await t.check()
    await t.send_message("dan", conversation_id)


@scenario
async def messages_are_read_twice(t: Scenario) -> None:
    conversation_id = await t.open_conversation("dan", "cleo")
    await t.send_message("ada", conversation_id)
    for who in ("dan", "dan", "cleo"):
        await t.request(who, "PUT", f"/messaging/conversations/{conversation_id}/read-status")
        await t.check()
    await t.request("dan", "POST", f"{CONVERSATIONS}/{conversation_id}/read", {})


@scenario
async def the_driver_of_a_delivery_changes(t: Scenario) -> None:
    delivery_id = t.acme.deliveries[0].id
    await t.request("dan", "POST", "/messaging/conversations", {"delivery_id": delivery_id})
    await t.check()
    for driver in (t.acme.id("olaf"), t.acme.id("dan"), None):
        await t.request("dora", "POST", "/v1/deliveries", {"id": delivery_id, "driver_id": driver})
        await t.check()


@scenario
async def two_contacts_are_merged(t: Scenario) -> None:
    conversation_id = await t.open_conversation("dan", "dave")
    created = await t.request_as_contact("dave", "POST", "/conversations", {})
    await t.request_as_contact(
        "dave", "POST", f"/conversations/{created['id']}/messages", {"content": "hi"}
    )
    own = await t.open_conversation("dan", owner="dave")
    await t.request("ada", "POST", f"{CONVERSATIONS}/{own}/tickets")
    await t.check()
    await t.request_as_contact("dave", "PATCH", "", {"email": "carol@web.test"})
    await t.check()
    await t.send_message("dan", conversation_id)


@scenario
async def a_ticket_is_reassigned(t: Scenario) -> None:
    conversation_id = await t.open_conversation("dan")
    ticket = (await t.request("ada", "POST", f"{CONVERSATIONS}/{conversation_id}/tickets"))["id"]
    await t.check()
    for who in ("alice", "ada", "alice"):
        body = {"assignee_id": t.acme.id(who)}
        await t.request("ada", "POST", f"/v1/tickets/{ticket}/take", body)
        await t.check()
    await t.request("ada", "POST", f"/v1/tickets/{ticket}/complete")


@scenario
async def people_are_renamed(t: Scenario) -> None:
    conversation_id = await t.open_conversation("dan", "cleo", "alice")
    for who in ("dan", "cleo", "alice"):
        await t.send_message(who, conversation_id)
    await t.request(
        "ada", "PATCH", f"{CONVERSATIONS}/{conversation_id}", {"assignee_id": t.acme.id("alice")}
    )
    for who in ("dan", "cleo", "alice"):
        await t.request("ada", "PATCH", f"/v1/users/{t.acme.id(who)}", {"name": f"New {who}"})
        await t.check()
    await t.request("ada", "PATCH", f"/v1/contacts/{t.acme.id('carol')}", {"name": "New Carol"})


@scenario
async def a_former_participant_is_renamed(t: Scenario) -> None:
    conversation_id = await t.open_conversation("dan", "olaf")
    await t.send_message("olaf", conversation_id)
    await t.request(
        "ada", "DELETE", f"{CONVERSATIONS}/{conversation_id}/participants/{t.acme.id('olaf')}"
    )
    await t.request("ada", "PATCH", f"/v1/users/{t.acme.id('olaf')}", {"name": "Olaf the Old"})


@scenario
async def a_sender_who_is_no_participant_is_renamed(t: Scenario) -> None:
    conversation_id = await t.open_conversation("dan")
    await t.send_message("ada", conversation_id)
    await t.request("ada", "PATCH", f"/v1/users/{t.acme.id('ada')}", {"name": "Ada the Great"})


@scenario
async def a_responder_is_renamed(t: Scenario) -> None:
    created = await t.request("ada", "POST", "/v1/responders", {"name": "Robot"})
    inbox = {"responder_id": created["id"]}
    await t.request("ada", "PATCH", f"/v1/inboxes/{t.acme.inbox.id}", inbox)
    conversation_id = await t.open_conversation("dan")
    await t.send_message("ada", conversation_id, as_responder=True)
    await t.request("ada", "PATCH", f"/v1/responders/{created['id']}", {"name": "Robert"})
    await t.check()
    await t.request(
        "ada", "POST", f"/v1/responders/{created['id']}/versions", {"settings": {"a": 1}}
    )


@scenario
async def people_are_removed(t: Scenario) -> None:
    body = {"name": "Ned", "role": "driver"}
    ned = (await t.request("ada", "POST", "/v1/users", body))["id"]
    nell = (await t.request("ada", "POST", "/v1/contacts", {"name": "Nell"}))["id"]
    conversation_id = await t.open_conversation("dan")
    for each in (ned, nell):
        await t.request(
            "ada", "POST", f"{CONVERSATIONS}/{conversation_id}/participants", {"identity_id": each}
        )
    await t.check()
    await t.request("ada", "DELETE", f"/v1/users/{ned}")
    await t.check()
    await t.request("ada", "DELETE", f"/v1/contacts/{nell}")


@scenario
async def a_participant_is_removed_and_added_again(t: Scenario) -> None:
    conversation_id = await t.open_conversation("dan", "cleo")
    await t.send_message("cleo", conversation_id)
    await t.request(
        "ada", "DELETE", f"{CONVERSATIONS}/{conversation_id}/participants/{t.acme.id('dan')}"
    )
    await t.check()
    await t.send_message("cleo", conversation_id)
    participants = {"identity_id": t.acme.id("dan"), "role": "admin"}
    await t.request("ada", "POST", f"{CONVERSATIONS}/{conversation_id}/participants", participants)
    await t.check()
    await t.request(
        "ada",
        "PATCH",
        f"{CONVERSATIONS}/{conversation_id}/participants/{participants['identity_id']}",
        {"role": "member"},
    )


@scenario
async def a_conversation_is_removed_then_deleted(t: Scenario) -> None:
    conversation_id = await t.open_conversation("dan", "cleo")
    await t.send_message("dan", conversation_id)
    await t.request("ada", "POST", f"{CONVERSATIONS}/{conversation_id}/tickets")
    await t.check()
    await t.request("ada", "DELETE", f"{CONVERSATIONS}/{conversation_id}")
    await t.check()
    await t.request("ada", "DELETE", f"{CONVERSATIONS}/{conversation_id}?mode=permanent")


@scenario
async def a_conversation_is_deleted(t: Scenario) -> None:
    conversation_id = await t.open_conversation("dan", "cleo")
    await t.send_message("dan", conversation_id)
    await t.request("ada", "DELETE", f"{CONVERSATIONS}/{conversation_id}?mode=permanent")


@scenario
async def a_contact_reopens_a_closed_conversation(t: Scenario) -> None:
    conversation_id = await t.open_conversation("dan")
    number = (await t.request("ada", "GET", f"{CONVERSATIONS}/{conversation_id}"))["number"]
    await t.request("ada", "PATCH", f"{CONVERSATIONS}/{conversation_id}", {"status": "closed"})
    await t.check()
    await t.request_as_contact(
        "carol", "POST", f"/conversations/{number}/messages", {"content": "again"}
    )
    await t.check()
    await t.request_as_contact("carol", "POST", f"/conversations/{number}/update_last_seen")
    await t.check()
    await t.request_as_contact("carol", "POST", f"/conversations/{number}/update_last_seen")
    await t.check()
    await t.request_as_contact("carol", "POST", f"/conversations/{number}/toggle_status")


@scenario
async def an_inbox_is_created_and_removed(t: Scenario) -> None:
    inbox = (await t.request("ada", "POST", "/v1/inboxes", {"name": "Shop"}))["id"]
    await t.check()
    contact = {"name": "Nell", "inbox_id": inbox, "identifier": new_id()}
    await t.request("ada", "POST", "/v1/contacts", contact)
    await t.check()
    await t.request("ada", "PATCH", f"/v1/inboxes/{inbox}", {"name": "Store"})
    await t.check()
    await t.request("ada", "DELETE", f"/v1/inboxes/{inbox}")


@scenario
async def the_tenant_changes(t: Scenario) -> None:
    support = {"support_user_ids": [t.acme.id("alice")]}
    await t.request("ada", "PATCH", "/v1/tenant", {"name": "Acme & Co", "settings": support})


@scenario
async def a_contact_sends_a_file(t: Scenario) -> None:
    conversation_id = await t.open_conversation("dan")
    number = (await t.request("ada", "GET", f"{CONVERSATIONS}/{conversation_id}"))["number"]
    form = (
        b'--x\r\nContent-Disposition: form-data; name="attachments[]"; filename="a.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\nhello\r\n--x--\r\n"
    )
    response = await t.cast_app.call.with_headers(
        {"content-type": "multipart/form-data; boundary=x"}
    )("POST", f"{t.contact_path('carol')}/conversations/{number}/messages", raw=form)
    assert response.status == 200, response.text
    await t.check()
    await t.request("ada", "DELETE", f"{CONVERSATIONS}/{conversation_id}?mode=permanent")
