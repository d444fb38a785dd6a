"""Which things a list asks for: the superset of what the dialects' lists can say."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from koine.model.conversation import Priority, Status

Search = Annotated[str, Meta(max_length=255)]
"""Text to look for, as every dialect's lists take it: at most so many characters. It is folded
(`kit.text_folding`); text of which nothing is left asks for nothing."""


class Conditions(Struct, frozen=True, kw_only=True):
    """A filter whose every field has a default that asks for nothing."""

    def conditions(self) -> dict[str, Any]:
        """The fields that ask for something, with their values. What is known to be right for some
        fields alone is decided by these, so that it is not believed of a field added later."""
        given = zip(self.__struct_fields__, self.__struct_defaults__, strict=True)
        return {name: value for name, none in given if (value := getattr(self, name)) != none}


class ConversationFilter(Conditions, frozen=True, kw_only=True):
    """Conversations that fulfil every condition given; an empty tuple or None is no condition.

    `participant_id`: the identity takes part now. `channel_types` are the inbox's (or, for a
    conversation without inbox, none). `shown_from`/`shown_to` bound the time that is shown as the
    last message's (overridden by `Conversation.chat_shown_at`), both inclusive, µs. `by_shown_time`
    sorts by that time, and takes who opened a conversation without an owner for its owner. `search`
    is text to find in the title, the owner's names, email or identifier, or the beginning of the
    last message, folded. With a `search_reader` the last message of a conversation about support is
    looked at only where that identity is the customer of its ticket.
    """

    statuses: tuple[Status, ...] = ()
    kinds: tuple[str, ...] = ()
    priority: Priority | None = None
    assignee_id: str | None = None
    participant_id: str | None = None
    inbox_ids: tuple[str, ...] = ()
    owner_ids: tuple[str, ...] = ()
    responder_ids: tuple[str, ...] = ()
    responder_version_ids: tuple[str, ...] = ()
    channel_types: tuple[str, ...] = ()
    shown_from: int | None = None
    shown_to: int | None = None
    search: str | None = None
    search_as: str | None = None
    by_shown_time: bool = False


class MessageFilter(Conditions, frozen=True, kw_only=True):
    """Messages of one conversation: `with_private` notes or not, `said_only` without the server's
    own notices, made within `[start, end]` (µs, either may be None), before or after a message
    number, newest first or oldest first."""

    with_private: bool = False
    said_only: bool = False
    start: int | None = None
    end: int | None = None
    before_seq: int | None = None
    after_seq: int | None = None
    oldest_first: bool = False


class PeopleFilter(Struct, frozen=True, kw_only=True):
    """Identities of the given kinds, by names, email, phone, company or identifier, folded."""

    kinds: tuple[str, ...] = ()
    search: str | None = None
    inbox_ids: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
