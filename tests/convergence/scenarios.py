"""Changes that one call of a route does not show: what hangs together with what was before."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from koine.kit.ids import new_id
from tests.cast import Company
from tests.drivers.world import World

SCENARIOS: dict[str, Callable[["Scenario"], Awaitable[None]]] = {}
CONVERSATIONS = "/v1/conversations"


class Scenario(Struct):
    """Calls as anyone; `look` is awaited between two chapters, and compares."""

    world: World
    check: Callable[[], Awaitable[None]]

    @property
    def acme(self) -> Company:
        return self.world.cast.acme

    async def request(self, who: str, method: str, path: str, body: object = None) -> Any:
        """The answer to one of the team."""
        self.world.cast.clock.advance(seconds=1)
        reply = await self.world.call.as_(self.world.cast.bearer(who))(method, path, body)
        assert reply.status < 300, (method, path, reply.text)
        return reply.json() if reply.content else None

    async def request_as_contact(
        self, who: str, method: str, path: str, body: object = None
    ) -> Any:
        """The answer to a contact at the website's door."""
        self.world.cast.clock.advance(seconds=1)
        place = self.acme.places[who]
        door = f"/public/api/v1/inboxes/{self.acme.inbox.identifier}/contacts/{place.source_id}"
        reply = await self.world.call(method, f"{door}{path}", body)
        assert reply.status < 300, (method, path, reply.text)
        return reply.json() if reply.content else None

    async def open_conversation(self, *who: str, owner: str = "carol") -> str:
        """Carol's new conversation with these people in it."""
        joining = [{"identity_id": self.acme.id(each)} for each in who]
        body = {"owner_id": self.acme.id(owner), "participants": joining}
        made = await self.request(
            "ada", "POST", CONVERSATIONS, body | {"inbox_id": self.acme.inbox.id}
        )
        await self.check()
        return str(made["id"])

    async def send_message(self, who: str, talk: str, **more: object) -> Any:
        """Something is said, and looked at."""
        body = {"content": "hello"} | more
        said = await self.request(who, "POST", f"{CONVERSATIONS}/{talk}/messages", body)
        await self.check()
        return said


def scenario(run: Callable[[Scenario], Awaitable[None]]) -> Callable[[Scenario], Awaitable[None]]:
    """Keep a story under its name."""
    SCENARIOS[run.__name__] = run
    return run


@scenario
async def private_notes(t: Scenario) -> None:
    talk = await t.open_conversation("dan", "alice")
    await t.send_message("alice", talk)
    await t.send_message("alice", talk, private=True)
    await t.send_message("ada", talk, private=True)
    await t.request("dan", "POST", f"{CONVERSATIONS}/{talk}/read", {})
    await t.check()
    await t.request("alice", "POST", f"{CONVERSATIONS}/{talk}/read", {})
    await t.check()
    await t.send_message("dan", talk)


@scenario
async def reading_twice(t: Scenario) -> None:
    talk = await t.open_conversation("dan", "cleo")
    await t.send_message("ada", talk)
    for who in ("dan", "dan", "cleo"):
        await t.request(who, "PUT", f"/messaging/conversations/{talk}/read-status")
        await t.check()
    await t.request("dan", "POST", f"{CONVERSATIONS}/{talk}/read", {})


@scenario
async def another_driver(t: Scenario) -> None:
    parcel = t.acme.deliveries[0].id
    await t.request("dan", "POST", "/messaging/conversations", {"delivery_id": parcel})
    await t.check()
    for driver in (t.acme.id("olaf"), t.acme.id("dan"), None):
        await t.request("dora", "POST", "/v1/deliveries", {"id": parcel, "driver_id": driver})
        await t.check()


@scenario
async def two_contacts_become_one(t: Scenario) -> None:
    talk = await t.open_conversation("dan", "dave")
    made = await t.request_as_contact("dave", "POST", "/conversations", {})
    await t.request_as_contact(
        "dave", "POST", f"/conversations/{made['id']}/messages", {"content": "hi"}
    )
    own = await t.open_conversation("dan", owner="dave")
    await t.request("ada", "POST", f"{CONVERSATIONS}/{own}/tickets")
    await t.check()
    await t.request_as_contact("dave", "PATCH", "", {"email": "carol@web.test"})
    await t.check()
    await t.send_message("dan", talk)


@scenario
async def a_ticket_goes_from_hand_to_hand(t: Scenario) -> None:
    talk = await t.open_conversation("dan")
    ticket = (await t.request("ada", "POST", f"{CONVERSATIONS}/{talk}/tickets"))["id"]
    await t.check()
    for who in ("alice", "ada", "alice"):
        body = {"assignee_id": t.acme.id(who)}
        await t.request("ada", "POST", f"/v1/tickets/{ticket}/take", body)
        await t.check()
    await t.request("ada", "POST", f"/v1/tickets/{ticket}/complete")


@scenario
async def people_are_renamed(t: Scenario) -> None:
    talk = await t.open_conversation("dan", "cleo", "alice")
    for who in ("dan", "cleo", "alice"):
        await t.send_message(who, talk)
    await t.request("ada", "PATCH", f"{CONVERSATIONS}/{talk}", {"assignee_id": t.acme.id("alice")})
    for who in ("dan", "cleo", "alice"):
        await t.request("ada", "PATCH", f"/v1/users/{t.acme.id(who)}", {"name": f"New {who}"})
        await t.check()
    await t.request("ada", "PATCH", f"/v1/contacts/{t.acme.id('carol')}", {"name": "New Carol"})


@scenario
async def who_has_left_is_renamed(t: Scenario) -> None:
    talk = await t.open_conversation("dan", "olaf")
    await t.send_message("olaf", talk)
    await t.request("ada", "DELETE", f"{CONVERSATIONS}/{talk}/participants/{t.acme.id('olaf')}")
    await t.request("ada", "PATCH", f"/v1/users/{t.acme.id('olaf')}", {"name": "Olaf the Old"})


@scenario
async def staff_that_takes_no_part_is_renamed(t: Scenario) -> None:
    talk = await t.open_conversation("dan")
    await t.send_message("ada", talk)
    await t.request("ada", "PATCH", f"/v1/users/{t.acme.id('ada')}", {"name": "Ada the Great"})


@scenario
async def a_responder_answers_under_a_new_name(t: Scenario) -> None:
    made = await t.request("ada", "POST", "/v1/responders", {"name": "Robot"})
    inbox = {"responder_id": made["id"]}
    await t.request("ada", "PATCH", f"/v1/inboxes/{t.acme.inbox.id}", inbox)
    talk = await t.open_conversation("dan")
    await t.send_message("ada", talk, as_responder=True)
    await t.request("ada", "PATCH", f"/v1/responders/{made['id']}", {"name": "Robert"})
    await t.check()
    await t.request("ada", "POST", f"/v1/responders/{made['id']}/versions", {"settings": {"a": 1}})


@scenario
async def people_are_removed(t: Scenario) -> None:
    body = {"name": "Ned", "role": "driver"}
    ned = (await t.request("ada", "POST", "/v1/users", body))["id"]
    nell = (await t.request("ada", "POST", "/v1/contacts", {"name": "Nell"}))["id"]
    talk = await t.open_conversation("dan")
    for each in (ned, nell):
        await t.request(
            "ada", "POST", f"{CONVERSATIONS}/{talk}/participants", {"identity_id": each}
        )
    await t.check()
    await t.request("ada", "DELETE", f"/v1/users/{ned}")
    await t.check()
    await t.request("ada", "DELETE", f"/v1/contacts/{nell}")


@scenario
async def one_leaves_and_comes_back(t: Scenario) -> None:
    talk = await t.open_conversation("dan", "cleo")
    await t.send_message("cleo", talk)
    await t.request("ada", "DELETE", f"{CONVERSATIONS}/{talk}/participants/{t.acme.id('dan')}")
    await t.check()
    await t.send_message("cleo", talk)
    joining = {"identity_id": t.acme.id("dan"), "role": "admin"}
    await t.request("ada", "POST", f"{CONVERSATIONS}/{talk}/participants", joining)
    await t.check()
    await t.request(
        "ada",
        "PATCH",
        f"{CONVERSATIONS}/{talk}/participants/{joining['identity_id']}",
        {"role": "member"},
    )


@scenario
async def removed_then_deleted(t: Scenario) -> None:
    talk = await t.open_conversation("dan", "cleo")
    await t.send_message("dan", talk)
    await t.request("ada", "POST", f"{CONVERSATIONS}/{talk}/tickets")
    await t.check()
    await t.request("ada", "DELETE", f"{CONVERSATIONS}/{talk}")
    await t.check()
    await t.request("ada", "DELETE", f"{CONVERSATIONS}/{talk}?mode=permanent")


@scenario
async def deleted_at_once(t: Scenario) -> None:
    talk = await t.open_conversation("dan", "cleo")
    await t.send_message("dan", talk)
    await t.request("ada", "DELETE", f"{CONVERSATIONS}/{talk}?mode=permanent")


@scenario
async def closed_and_reopened_by_the_contact(t: Scenario) -> None:
    talk = await t.open_conversation("dan")
    number = (await t.request("ada", "GET", f"{CONVERSATIONS}/{talk}"))["number"]
    await t.request("ada", "PATCH", f"{CONVERSATIONS}/{talk}", {"status": "closed"})
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
async def an_inbox_opens_and_closes(t: Scenario) -> None:
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
async def a_file_comes_in(t: Scenario) -> None:
    talk = await t.open_conversation("dan")
    number = (await t.request("ada", "GET", f"{CONVERSATIONS}/{talk}"))["number"]
    place = t.acme.places["carol"]
    door = f"/public/api/v1/inboxes/{t.acme.inbox.identifier}/contacts/{place.source_id}"
    form = (
        b'--x\r\nContent-Disposition: form-data; name="attachments[]"; filename="a.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\nhello\r\n--x--\r\n"
    )
    reply = await t.world.call.as_({"content-type": "multipart/form-data; boundary=x"})(
        "POST", f"{door}/conversations/{number}/messages", raw=form
    )
    assert reply.status == 200, reply.text
    await t.check()
    await t.request("ada", "DELETE", f"{CONVERSATIONS}/{talk}?mode=permanent")
