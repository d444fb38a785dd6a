"""A curl for each documented call, to copy and paste. `$name` is a variable of env.py."""

import shlex
from functools import partial
from string import Template

from msgspec import Struct

from koine.demo.credentials import DemoTenant
from koine.demo.env import variables

JSON = "--header 'Content-Type: application/json'"
BASES = {
    "delivery": (
        "$ONDI_BASE_URL/messaging/conversations", "Authorization: Bearer $access_token"
    ),
    "helpdesk": ("$KOINE_URL/api/v1/conversations", "Authorization: Bearer $api_key"),
    "chats": ("$KOINE_URL/api/v1/chats", "authorization: $chats_api_key"),
    "inbox": ("$KOINE_URL/public/api/v1/inboxes/$inbox_identifier", ""),
    "native": ("$KOINE_URL/v1", "Authorization: Bearer $access_token"),
}  # fmt: skip
"""Each dialect's base URL, and the header that opens it; logging in needs none."""


class Example(Struct, frozen=True):
    """One call: the dialect, what it does, and its command with `$name` in it."""

    dialect: str
    title: str
    command: str


def examples(tenant: DemoTenant, base_url: str) -> list[Example]:
    """Every call with its values filled in, ready for a shell."""
    values = {name: _safe(value) for name, value in variables(tenant, base_url).items()}
    return [
        Example(each.dialect, each.title, Template(each.command).substitute(values))
        for each in CALLS
    ]


def _safe(value: str) -> str:
    """The value, if it means nothing special between quotes. Ours never do."""
    if set(value) & set("\"'\\$`!\n"):
        raise ValueError(f"not to be put into a command: {shlex.quote(value)}")
    return value


def _example(dialect: str, title: str, path: str, method: str = "GET", data: str = "") -> Example:
    base, header = BASES[dialect]
    parts = [f'curl --request {method} "{base}{path}"']
    if header and not path.startswith("/auth/"):
        parts.append(f'--header "{header}"')
    if data:
        parts += [JSON, f"--data '{data}'"]
    return Example(dialect, title, " \\\n  ".join(parts))


_delivery = partial(_example, "delivery")
_helpdesk = partial(_example, "helpdesk")
_chats = partial(_example, "chats")
_inbox = partial(_example, "inbox")
_native = partial(_example, "native")

_CONTACT = "/contacts/$contact_identifier"
_CONVERSATION = f"{_CONTACT}/conversations/$conversation_number"
_TENANT = "tenant_id=$tenant_id"

CALLS: tuple[Example, ...] = (
    _delivery("List conversations", f"?{_TENANT}&type=&status=&user_id=&page=1&limit=20"),
    _delivery(
        "Create a conversation", f"?{_TENANT}", "POST",
        '{"delivery_id": "$delivery_id", "metadata": {"order_id": "12345", "priority": "high"}}',
    ),
    _delivery("Get a conversation", f"/$conversationId?{_TENANT}"),
    _delivery(
        "List messages", f"/$conversationId/messages?{_TENANT}&page=1&limit=20&timestamp_range="
    ),
    _delivery(
        "Send a message", f"/$conversationId/messages?{_TENANT}", "POST",
        '{"message_type": "text", "content": "Hello!", "content_url": null, "metadata": null, '
        '"parent_message_id": null}',
    ),
    _helpdesk("List conversations", "?status=open&inboxId=$inbox_id&page=1&limit=50"),
    _helpdesk("Get a conversation", "/$conversation_id"),
    _helpdesk(
        "Create a conversation", "", "POST",
        '{"subject": "Where is my order?", "inboxId": "$inbox_id", "customerId": "$customer_id", '
        '"channel": "email", "priority": "high"}',
    ),
    _helpdesk(
        "Update a conversation", "/$conversation_id", "PUT",
        '{"status": "pending", "assignedTo": "$user_id"}',
    ),
    _helpdesk(
        "Delete a conversation, for good", "/$conversation_id", "DELETE", '{"reason": "a test"}'
    ),
    _chats("Details of a chat", "/$chat_id/details"),
    _chats("Details of many chats", "/details?channelIds=$channel_id&pageNumber=1&pageSize=10"),
    _chats("List chats", "?channelTypes=whatsapp&ownerIds=$owner_id&pageSize=10"),
    _chats(
        "Create a chat", "", "POST",
        '{"channelId": "$channel_id", "ownerId": "$owner_id", "title": "A question"}',
    ),
    _chats("Get a chat", "/$chat_id"),
    _chats("Change a chat", "/$chat_id", "PATCH", '{"title": "Another title"}'),
    _chats("Remove a chat", "/$chat_id", "DELETE"),
    _inbox(
        "Create a conversation", f"{_CONTACT}/conversations", "POST", '{"custom_attributes": {}}'
    ),
    _inbox("Get the inbox", ""),
    _inbox("Create a contact", "/contacts", "POST", '{"name": "Alice"}'),
    _inbox("Get the contact", _CONTACT),
    _inbox("Change the contact", _CONTACT, "PATCH", '{"custom_attributes": {"plan": "plus"}}'),
    _inbox("List conversations", f"{_CONTACT}/conversations"),
    _inbox("Get a conversation", _CONVERSATION),
    _inbox("List messages", f"{_CONVERSATION}/messages"),
    _inbox("Send a message", f"{_CONVERSATION}/messages", "POST", '{"content": "Hello!"}'),
    _inbox("Say that it was seen", f"{_CONVERSATION}/update_last_seen", "POST"),
    _inbox("Start typing", f"{_CONVERSATION}/toggle_typing", "POST", '{"typing_status": "on"}'),
    _inbox("Resolve a conversation", f"{_CONVERSATION}/toggle_status", "POST"),
    _native(
        "Log in", "/auth/login", "POST", '{"email": "$email", "password": "$password"}'
    ),
    _native("List conversations", "/conversations?limit=20"),
)  # fmt: skip
