"""Conversations with their related entities, as far as a dialect needs them."""

from typing import Literal

from msgspec import Struct

from koine.model.conversation import Conversation, Participant
from koine.model.identity import Identity, ResponderVersion
from koine.model.inbox import ContactInbox, Inbox
from koine.model.message import Message
from koine.model.ticket import Ticket

Include = Literal[
    "participants", "latest", "messages", "people", "inboxes", "tickets", "versions", "senders",
    "contact_inboxes",
]  # fmt: skip
LastSenders = tuple[str | None, str | None]
"""Who sent the newest public message, and who the one before it."""


class Related(Struct, frozen=True):
    """The related entities of some conversations; a part that was not wanted is empty.

    `participants`, `latest` (newest public message), `messages` (the public ones), `tickets`
    (newest) and `senders` (where a user sent the newest message or the one before) are by
    conversation id; `people` (owners or creators, assignees, responders, senders), `inboxes` and
    `versions` by their own id; `contact_inboxes` are those of the owners. `readers`, which is
    always loaded, are the only identities that may read the messages of a support conversation.
    """

    participants: dict[str, list[Participant]] = {}
    latest: dict[str, Message] = {}
    messages: dict[str, list[Message]] = {}
    people: dict[str, Identity] = {}
    inboxes: dict[str, Inbox] = {}
    tickets: dict[str, Ticket] = {}
    versions: dict[str, ResponderVersion] = {}
    contact_inboxes: list[ContactInbox] = []
    senders: dict[str, LastSenders] = {}
    readers: dict[str, frozenset[str]] = {}


class ConversationPage(Struct, frozen=True):
    """A page of conversations, or one, with related entities. `total` is exact, or None where it
    was not wanted; `next` is the cursor of the next page, None at the end."""

    items: list[Conversation]
    related: Related
    total: int | None = None
    next: tuple[int, str] | None = None

    @property
    def one(self) -> Conversation:
        """The conversation, of an operation that returns one."""
        return self.items[0]
