"""What a client keeps, and how it applies what it is told: docs/streams.md as a program.

The newest version of each thing wins. What is shown of a person within other things (a name, a
picture) follows the person.
"""

from typing import Any

from msgspec import Struct

Things = dict[str, dict[str, Any]]
_CARD = ("name", "email", "avatar_url")
_PARTS = ("owner", "assignee", "responder")


class ClientState(Struct):
    """Everything one reader sees, by id. None where the reader may not list such things."""

    me: dict[str, Any] | None = None
    tenant: dict[str, Any] | None = None
    conversations: Things = {}
    participants: dict[str, Things] = {}
    messages: dict[str, Things | None] = {}
    tickets: Things = {}
    users: Things | None = None
    contacts: Things | None = None
    responders: Things | None = None
    versions: dict[str, Things] = {}
    inboxes: Things | None = None
    deliveries: Things = {}
    unread: set[str] = set()
    """Conversations that came into sight: their participants and messages are to be read."""


def apply(kept: ClientState, event: dict[str, Any]) -> None:
    """Take in one event."""
    kind, data = event["type"], event["data"]
    if kind in ("conversation.removed", "conversation.deleted"):
        _forget(kept, data["conversation_id"])
        return
    if "conversation" in data:
        _talk(kept, data)
    if "ticket" in data and data["ticket"]["conversation_id"] in kept.conversations:
        kept.tickets[data["ticket"]["id"]] = data["ticket"]
    if "person" in data:
        _person(kept, kind, data)
    if "responder" in data and kept.responders is not None and kind != "identity.removed":
        kept.responders[data["responder"]["id"]] = data["responder"]
        if "version" in data:
            of = kept.versions.setdefault(data["responder"]["id"], {})
            of[data["version"]["id"]] = data["version"]
    _setup(kept, data)


def _setup(kept: ClientState, data: dict[str, Any]) -> None:
    if "inbox" in data and kept.inboxes is not None:
        kept.inboxes[data["inbox"]["id"]] = data["inbox"]
    if "inbox_id" in data and kept.inboxes is not None:
        kept.inboxes.pop(data["inbox_id"], None)
    if "delivery" in data:
        kept.deliveries[data["delivery"]["id"]] = data["delivery"]
    if "delivery_id" in data:
        kept.deliveries.pop(data["delivery_id"], None)
    if "tenant" in data:
        kept.tenant = data["tenant"]


def _talk(kept: ClientState, data: dict[str, Any]) -> None:
    found = data["conversation"]
    if found["id"] not in kept.conversations:
        kept.unread.add(found["id"])
    kept.conversations[found["id"]] = found
    parts = kept.participants.setdefault(found["id"], {})
    if "participants" in data:
        parts.clear()
        parts.update({each["identity_id"]: each for each in data["participants"]})
    if "participant" in data:
        parts[data["participant"]["identity_id"]] = data["participant"]
    if "message" in data:
        said = kept.messages.setdefault(found["id"], {})
        if said is not None:
            said[data["message"]["id"]] = data["message"]


def _forget(kept: ClientState, conversation_id: str) -> None:
    kept.conversations.pop(conversation_id, None)
    kept.participants.pop(conversation_id, None)
    kept.messages.pop(conversation_id, None)
    kept.unread.discard(conversation_id)
    for each in [t for t in kept.tickets.values() if t["conversation_id"] == conversation_id]:
        del kept.tickets[each["id"]]


def _person(kept: ClientState, kind: str, data: dict[str, Any]) -> None:
    person, merged_id = data["person"], data.get("merged_id")
    lists = {"user": kept.users, "contact": kept.contacts, "responder": kept.responders}
    for noun, of in lists.items():
        if of is None:
            continue
        of.pop(merged_id or "", None)
        if kind == "identity.removed":
            of.pop(person["id"], None)
        elif noun in data:
            of[person["id"]] = data[noun]
    if kept.me is not None and kept.me["id"] == person["id"] and "user" in data:
        kept.me = data["user"]
    _show(kept, person, merged_id)


def _show(kept: ClientState, person: dict[str, Any], merged_id: str | None) -> None:
    """What others show of the person."""
    for found in kept.conversations.values():
        for part in _PARTS:
            if found[f"{part}_id"] == person["id"] and found[part] is not None:
                _wear(found[part], person)
    for parts in kept.participants.values():
        if person["id"] in parts:
            _wear(parts[person["id"]], person)
    for said in kept.messages.values():
        for message in (said or {}).values():
            sender = message["sender"]
            if sender["id"] is not None and sender["id"] in (person["id"], merged_id):
                sender["id"] = person["id"]
                _wear(sender, person)
    for ticket in kept.tickets.values():
        if merged_id is not None and ticket["customer_id"] == merged_id:
            ticket["customer_id"] = person["id"]


def _wear(shown: dict[str, Any], person: dict[str, Any]) -> None:
    shown.update({name: person[name] for name in _CARD if name in shown})
