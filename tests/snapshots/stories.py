"""Changes that one call of a route does not show: what hangs together with what was before."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from koine.kit.ids import new_id
from tests.cast import Company
from tests.drivers.world import World

STORIES: dict[str, Callable[["Teller"], Awaitable[None]]] = {}
TALKS = "/v1/conversations"


class Teller(Struct):
    """Calls as anyone; `look` is awaited between two chapters, and compares."""

    world: World
    look: Callable[[], Awaitable[None]]

    @property
    def acme(self) -> Company:
        return self.world.cast.acme

    async def ask(self, who: str, method: str, path: str, body: object = None) -> Any:
        """The answer to one of the team."""
        self.world.cast.clock.advance(seconds=1)
        reply = await self.world.call.as_(self.world.cast.bearer(who))(method, path, body)
        assert reply.status < 300, (method, path, reply.text)
        return reply.json() if reply.content else None

    async def knock(self, who: str, method: str, path: str, body: object = None) -> Any:
        """The answer to a contact at the website's door."""
        self.world.cast.clock.advance(seconds=1)
        place = self.acme.places[who]
        door = f"/public/api/v1/inboxes/{self.acme.inbox.identifier}/contacts/{place.source_id}"
        reply = await self.world.call(method, f"{door}{path}", body)
        assert reply.status < 300, (method, path, reply.text)
        return reply.json() if reply.content else None

    async def talk(self, *who: str, owner: str = "carol") -> str:
        """Carol's new conversation with these people in it."""
        joining = [{"identity_id": self.acme.id(each)} for each in who]
        body = {"owner_id": self.acme.id(owner), "participants": joining}
        made = await self.ask("ada", "POST", TALKS, body | {"inbox_id": self.acme.inbox.id})
        await self.look()
        return str(made["id"])

    async def say(self, who: str, talk: str, **more: object) -> Any:
        """Something is said, and looked at."""
        body = {"content": "hello"} | more
        said = await self.ask(who, "POST", f"{TALKS}/{talk}/messages", body)
        await self.look()
        return said


def story(tell: Callable[[Teller], Awaitable[None]]) -> Callable[[Teller], Awaitable[None]]:
    """Keep a story under its name."""
    STORIES[tell.__name__] = tell
    return tell


@story
async def private_notes(t: Teller) -> None:
    talk = await t.talk("dan", "alice")
    await t.say("alice", talk)
    await t.say("alice", talk, private=True)
    await t.say("ada", talk, private=True)
    await t.ask("dan", "POST", f"{TALKS}/{talk}/read", {})
    await t.look()
    await t.ask("alice", "POST", f"{TALKS}/{talk}/read", {})
    await t.look()
    await t.say("dan", talk)


@story
async def reading_twice(t: Teller) -> None:
    talk = await t.talk("dan", "cleo")
    await t.say("ada", talk)
    for who in ("dan", "dan", "cleo"):
        await t.ask(who, "PUT", f"/messaging/conversations/{talk}/read-status")
        await t.look()
    await t.ask("dan", "POST", f"{TALKS}/{talk}/read", {})


@story
async def another_driver(t: Teller) -> None:
    parcel = t.acme.deliveries[0].id
    await t.ask("dan", "POST", "/messaging/conversations", {"delivery_id": parcel})
    await t.look()
    for driver in (t.acme.id("olaf"), t.acme.id("dan"), None):
        await t.ask("dora", "POST", "/v1/deliveries", {"id": parcel, "driver_id": driver})
        await t.look()


@story
async def two_contacts_become_one(t: Teller) -> None:
    talk = await t.talk("dan", "dave")
    made = await t.knock("dave", "POST", "/conversations", {})
    await t.knock("dave", "POST", f"/conversations/{made['id']}/messages", {"content": "hi"})
    own = await t.talk("dan", owner="dave")
    await t.ask("ada", "POST", f"{TALKS}/{own}/tickets")
    await t.look()
    await t.knock("dave", "PATCH", "", {"email": "carol@web.test"})
    await t.look()
    await t.say("dan", talk)


@story
async def a_ticket_goes_from_hand_to_hand(t: Teller) -> None:
    talk = await t.talk("dan")
    ticket = (await t.ask("ada", "POST", f"{TALKS}/{talk}/tickets"))["id"]
    await t.look()
    for who in ("alice", "ada", "alice"):
        body = {"assignee_id": t.acme.id(who)}
        await t.ask("ada", "POST", f"/v1/tickets/{ticket}/take", body)
        await t.look()
    await t.ask("ada", "POST", f"/v1/tickets/{ticket}/complete")


@story
async def people_are_renamed(t: Teller) -> None:
    talk = await t.talk("dan", "cleo", "alice")
    for who in ("dan", "cleo", "alice"):
        await t.say(who, talk)
    await t.ask("ada", "PATCH", f"{TALKS}/{talk}", {"assignee_id": t.acme.id("alice")})
    for who in ("dan", "cleo", "alice"):
        await t.ask("ada", "PATCH", f"/v1/users/{t.acme.id(who)}", {"name": f"New {who}"})
        await t.look()
    await t.ask("ada", "PATCH", f"/v1/contacts/{t.acme.id('carol')}", {"name": "New Carol"})


@story
async def who_has_left_is_renamed(t: Teller) -> None:
    talk = await t.talk("dan", "olaf")
    await t.say("olaf", talk)
    await t.ask("ada", "DELETE", f"{TALKS}/{talk}/participants/{t.acme.id('olaf')}")
    await t.ask("ada", "PATCH", f"/v1/users/{t.acme.id('olaf')}", {"name": "Olaf the Old"})


@story
async def staff_that_takes_no_part_is_renamed(t: Teller) -> None:
    talk = await t.talk("dan")
    await t.say("ada", talk)
    await t.ask("ada", "PATCH", f"/v1/users/{t.acme.id('ada')}", {"name": "Ada the Great"})


@story
async def a_responder_answers_under_a_new_name(t: Teller) -> None:
    made = await t.ask("ada", "POST", "/v1/responders", {"name": "Robot"})
    inbox = {"responder_id": made["id"]}
    await t.ask("ada", "PATCH", f"/v1/inboxes/{t.acme.inbox.id}", inbox)
    talk = await t.talk("dan")
    await t.say("ada", talk, as_responder=True)
    await t.ask("ada", "PATCH", f"/v1/responders/{made['id']}", {"name": "Robert"})
    await t.look()
    await t.ask("ada", "POST", f"/v1/responders/{made['id']}/versions", {"settings": {"a": 1}})


@story
async def people_are_removed(t: Teller) -> None:
    body = {"name": "Ned", "role": "driver"}
    ned = (await t.ask("ada", "POST", "/v1/users", body))["id"]
    nell = (await t.ask("ada", "POST", "/v1/contacts", {"name": "Nell"}))["id"]
    talk = await t.talk("dan")
    for each in (ned, nell):
        await t.ask("ada", "POST", f"{TALKS}/{talk}/participants", {"identity_id": each})
    await t.look()
    await t.ask("ada", "DELETE", f"/v1/users/{ned}")
    await t.look()
    await t.ask("ada", "DELETE", f"/v1/contacts/{nell}")


@story
async def one_leaves_and_comes_back(t: Teller) -> None:
    talk = await t.talk("dan", "cleo")
    await t.say("cleo", talk)
    await t.ask("ada", "DELETE", f"{TALKS}/{talk}/participants/{t.acme.id('dan')}")
    await t.look()
    await t.say("cleo", talk)
    joining = {"identity_id": t.acme.id("dan"), "role": "admin"}
    await t.ask("ada", "POST", f"{TALKS}/{talk}/participants", joining)
    await t.look()
    await t.ask(
        "ada", "PATCH", f"{TALKS}/{talk}/participants/{joining['identity_id']}", {"role": "member"}
    )


@story
async def removed_then_deleted(t: Teller) -> None:
    talk = await t.talk("dan", "cleo")
    await t.say("dan", talk)
    await t.ask("ada", "POST", f"{TALKS}/{talk}/tickets")
    await t.look()
    await t.ask("ada", "DELETE", f"{TALKS}/{talk}")
    await t.look()
    await t.ask("ada", "DELETE", f"{TALKS}/{talk}?mode=permanent")


@story
async def deleted_at_once(t: Teller) -> None:
    talk = await t.talk("dan", "cleo")
    await t.say("dan", talk)
    await t.ask("ada", "DELETE", f"{TALKS}/{talk}?mode=permanent")


@story
async def closed_and_reopened_by_the_contact(t: Teller) -> None:
    talk = await t.talk("dan")
    number = (await t.ask("ada", "GET", f"{TALKS}/{talk}"))["number"]
    await t.ask("ada", "PATCH", f"{TALKS}/{talk}", {"status": "closed"})
    await t.look()
    await t.knock("carol", "POST", f"/conversations/{number}/messages", {"content": "again"})
    await t.look()
    await t.knock("carol", "POST", f"/conversations/{number}/update_last_seen")
    await t.look()
    await t.knock("carol", "POST", f"/conversations/{number}/update_last_seen")
    await t.look()
    await t.knock("carol", "POST", f"/conversations/{number}/toggle_status")


@story
async def an_inbox_opens_and_closes(t: Teller) -> None:
    inbox = (await t.ask("ada", "POST", "/v1/inboxes", {"name": "Shop"}))["id"]
    await t.look()
    contact = {"name": "Nell", "inbox_id": inbox, "identifier": new_id()}
    await t.ask("ada", "POST", "/v1/contacts", contact)
    await t.look()
    await t.ask("ada", "PATCH", f"/v1/inboxes/{inbox}", {"name": "Store"})
    await t.look()
    await t.ask("ada", "DELETE", f"/v1/inboxes/{inbox}")


@story
async def the_tenant_changes(t: Teller) -> None:
    support = {"support_user_ids": [t.acme.id("alice")]}
    await t.ask("ada", "PATCH", "/v1/tenant", {"name": "Acme & Co", "settings": support})


@story
async def a_file_comes_in(t: Teller) -> None:
    talk = await t.talk("dan")
    number = (await t.ask("ada", "GET", f"{TALKS}/{talk}"))["number"]
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
    await t.look()
    await t.ask("ada", "DELETE", f"{TALKS}/{talk}?mode=permanent")
