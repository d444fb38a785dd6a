"""Filters of lists: the union of what the dialects' lists offer."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from koine.model.conversation import Priority, Status

Search = Annotated[str, Meta(max_length=255)]
"""Text to search for, of one maximum length in every dialect. It is folded
(`store.core.text_folding`); a text of which nothing is left then is no condition."""


class Conditions(Struct, frozen=True, kw_only=True):
    """A filter; the default of each field is no condition."""

    def conditions(self) -> dict[str, Any]:
        """The fields that are conditions, with their values. Code that is only right for some
        fields compares these, so that a field that is added later is not taken for one of them."""
        given = zip(self.__struct_fields__, self.__struct_defaults__, strict=True)
        return {name: value for name, none in given if (value := getattr(self, name)) != none}


class ConversationFilter(Conditions, frozen=True, kw_only=True):
    """Conversations that meet all conditions; an empty tuple or None is no condition.

    `participant_id`: the identity is a participant now. `channel_types` are those of the inbox (a
    conversation without inbox has none). `shown_from`/`shown_to` bound the time that is shown as
    the last message's (overridden by `Conversation.shown_at_override`), both inclusive, µs.
    `by_shown_time` sorts by that time, and takes the creator of a conversation without owner for
    its owner. `search` is text in the title, the owner's names, e-mail or identifier, or the start
    of the last message, folded. With `search_as` the last message of a support conversation is only
    searched where that identity is the customer of its ticket.
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
    """Messages of one conversation: `with_private` notes or without, `said_only` without those of
    the server, created within `[start, end]` (µs, either may be None), before or after a `seq`,
    newest or oldest first."""

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
