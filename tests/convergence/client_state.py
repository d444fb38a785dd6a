"""What a client keeps, and how it applies what it is told: docs/streams.md as a program.

The newest version of each thing wins. What is shown of a person within other things (a name, a
picture) follows the person.
"""

from typing import Any

from msgspec import Struct

ById = dict[str, dict[str, Any]]
_CARD = ("name", "email", "avatar_url")
_PEOPLE_OF_CONVERSATION = ("owner", "assignee", "responder")


class ClientState(Struct):
    """Everything one reader sees, by id. None where the reader may not list such things."""

    me: dict[str, Any] | None = None
    tenant: dict[str, Any] | None = None
    conversations: ById = {}
    participants: dict[str, ById] = {}
    messages: dict[str, ById | None] = {}
    tickets: ById = {}
    users: ById | None = None
    contacts: ById | None = None
    responders: ById | None = None
    versions: dict[str, ById] = {}
    inboxes: ById | None = None
    deliveries: ById = {}
    unloaded: set[str] = set()
    """Conversations that came into sight: their participants and messages are to be read."""


def apply(state: ClientState, event: dict[str, Any]) -> None:
    """Take in one event."""
    kind, data = event["type"], event["data"]
    if kind in ("conversation.removed", "conversation.deleted"):
        _forget(state, data["conversation_id"])
        return
    if "conversation" in data:
        _apply_conversation(state, data)
    if "ticket" in data and data["ticket"]["conversation_id"] in state.conversations:
        state.tickets[data["ticket"]["id"]] = data["ticket"]
    if "person" in data:
        _apply_person(state, kind, data)
    if "responder" in data and state.responders is not None and kind != "identity.removed":
        state.responders[data["responder"]["id"]] = data["responder"]
        if "version" in data:
            of = state.versions.setdefault(data["responder"]["id"], {})
            of[data["version"]["id"]] = data["version"]
    _apply_settings(state, data)


def _apply_settings(state: ClientState, data: dict[str, Any]) -> None:
    if "inbox" in data and state.inboxes is not None:
        state.inboxes[data["inbox"]["id"]] = data["inbox"]
    if "inbox_id" in data and state.inboxes is not None:
        state.inboxes.pop(data["inbox_id"], None)
    if "delivery" in data:
        state.deliveries[data["delivery"]["id"]] = data["delivery"]
    if "delivery_id" in data:
        state.deliveries.pop(data["delivery_id"], None)
    if "tenant" in data:
        state.tenant = data["tenant"]


def _apply_conversation(state: ClientState, data: dict[str, Any]) -> None:
    found = data["conversation"]
    if found["id"] not in state.conversations:
        state.unloaded.add(found["id"])
    state.conversations[found["id"]] = found
    parts = state.participants.setdefault(found["id"], {})
    if "participants" in data:
        parts.clear()
        parts.update({each["identity_id"]: each for each in data["participants"]})
    if "participant" in data:
        parts[data["participant"]["identity_id"]] = data["participant"]
    if "message" in data:
        said = state.messages.setdefault(found["id"], {})
        if said is not None:
            said[data["message"]["id"]] = data["message"]


def _forget(state: ClientState, conversation_id: str) -> None:
    state.conversations.pop(conversation_id, None)
    state.participants.pop(conversation_id, None)
    state.messages.pop(conversation_id, None)
    state.unloaded.discard(conversation_id)
    for each in [t for t in state.tickets.values() if t["conversation_id"] == conversation_id]:
        del state.tickets[each["id"]]


def _apply_person(state: ClientState, kind: str, data: dict[str, Any]) -> None:
    person, merged_id = data["person"], data.get("merged_id")
    lists = {"user": state.users, "contact": state.contacts, "responder": state.responders}
    for noun, of in lists.items():
        if of is None:
            continue
        of.pop(merged_id or "", None)
        if kind == "identity.removed":
            of.pop(person["id"], None)
        elif noun in data:
            of[person["id"]] = data[noun]
    if state.me is not None and state.me["id"] == person["id"] and "user" in data:
        state.me = data["user"]
    _update_embedded(state, person, merged_id)


def _update_embedded(state: ClientState, person: dict[str, Any], merged_id: str | None) -> None:
    """What others show of the person."""
    for found in state.conversations.values():
        for part in _PEOPLE_OF_CONVERSATION:
            if found[f"{part}_id"] == person["id"] and found[part] is not None:
                _update_card(found[part], person)
    for parts in state.participants.values():
        if person["id"] in parts:
            _update_card(parts[person["id"]], person)
    for said in state.messages.values():
        for message in (said or {}).values():
            sender = message["sender"]
            if sender["id"] is not None and sender["id"] in (person["id"], merged_id):
                sender["id"] = person["id"]
                _update_card(sender, person)
    for ticket in state.tickets.values():
        if merged_id is not None and ticket["customer_id"] == merged_id:
            ticket["customer_id"] = person["id"]


def _update_card(shown: dict[str, Any], person: dict[str, Any]) -> None:
    shown.update({name: person[name] for name in _CARD if name in shown})
