"""A conversation with what is shown around it, as much as a dialect asks for."""

from typing import Literal

from msgspec import Struct

from koine.model.conversation import Conversation, Participant
from koine.model.identity import Identity, ResponderVersion
from koine.model.inbox import ContactInbox, Inbox
from koine.model.message import Message
from koine.model.ticket import Ticket

Include = Literal[
    "participants", "latest", "messages", "people", "inboxes", "tickets", "versions", "places",
    "senders",
]  # fmt: skip
LastSenders = tuple[str | None, str | None]
"""Who sent the newest public message, and who the one before it."""


class Related(Struct, frozen=True):
    """What surrounds some conversations; a part that was not asked for is empty.

    `participants`, `latest` (newest public message), `messages` (all public ones) and `tickets`
    (newest) are by conversation id; `people` (owners, or who opened a conversation without one,
    assignees, responders, senders), `inboxes` and `versions` by their own id; `places` are the
    owners' contact-inboxes; `senders` are by conversation id, where a user spoke last or before;
    `readers`, always there, are who alone reads what is said, of conversations about support.
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
    """Conversations with what surrounds them: a page of a list, or one.

    `total` is exact where it was asked for; `next` is the cursor of the next page, None at the end.
    """

    items: list[Conversation]
    related: Related
    total: int | None = None
    next: tuple[int, str] | None = None

    @property
    def one(self) -> Conversation:
        """The conversation, where one was asked for."""
        return self.items[0]
