"""The state of a client, and how it applies events: docs/streams.md as a program.

The newest version of each resource wins. The name and picture of a person inside other resources
follow the person.
"""

from typing import Any

from msgspec import Struct

ById = dict[str, dict[str, Any]]
_CARD = ("name", "email", "avatar_url")
_PEOPLE_OF_CONVERSATION = ("owner", "assignee", "responder")


class ClientState(Struct):
    """Everything that one client may read, by id. None for lists that it may not read."""

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
    """Conversations that became visible: their participants and messages are still to be loaded."""


def apply(state: ClientState, event: dict[str, Any]) -> None:
    """Apply one event."""
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
            by_id = state.versions.setdefault(data["responder"]["id"], {})
            by_id[data["version"]["id"]] = data["version"]
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
        messages = state.messages.setdefault(found["id"], {})
        if messages is not None:
            messages[data["message"]["id"]] = data["message"]


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
    for kind_, by_id in lists.items():
        if by_id is None:
            continue
        by_id.pop(merged_id or "", None)
        if kind == "identity.removed":
            by_id.pop(person["id"], None)
        elif kind_ in data:
            by_id[person["id"]] = data[kind_]
    if state.me is not None and state.me["id"] == person["id"] and "user" in data:
        state.me = data["user"]
    _update_embedded(state, person, merged_id)


def _update_embedded(state: ClientState, person: dict[str, Any], merged_id: str | None) -> None:
    """Update the person inside conversations, participants, messages and tickets."""
    for found in state.conversations.values():
        for part in _PEOPLE_OF_CONVERSATION:
            if found[f"{part}_id"] == person["id"] and found[part] is not None:
                _update_card(found[part], person)
    for parts in state.participants.values():
        if person["id"] in parts:
            _update_card(parts[person["id"]], person)
    for messages in state.messages.values():
        for message in (messages or {}).values():
            sender = message["sender"]
            if sender["id"] is not None and sender["id"] in (person["id"], merged_id):
                sender["id"] = person["id"]
                _update_card(sender, person)
    for ticket in state.tickets.values():
        if merged_id is not None and ticket["customer_id"] == merged_id:
            ticket["customer_id"] = person["id"]


def _update_card(shown: dict[str, Any], person: dict[str, Any]) -> None:
    shown.update({name: person[name] for name in _CARD if name in shown})
