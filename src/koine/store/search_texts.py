"""The folded texts that are stored for searches, so that both databases find the same."""

from koine.model.conversation import Conversation
from koine.model.identity import Identity
from koine.store.core.text_folding import fold, folded_or_none

IDENTITY_COLUMNS = ("search_names", "search_details")
"""The columns of an identity that are searched."""
CONVERSATION_COLUMNS = ("title_folded", "last_content_folded")
"""The columns of a conversation with the folded texts that differ from the ASCII lower case."""


def identity_search_texts(person: Identity) -> dict[str, str]:
    """The values of `IDENTITY_COLUMNS`: a line for each text, so that no match spans two."""
    first, last = person.first_name or "", person.last_name or ""
    names = (person.name, f"{first} {last}", f"{last} {first}", person.email, person.identifier)
    return dict(
        zip(IDENTITY_COLUMNS, (_lines(*names), _lines(person.phone, person.company)), strict=True)
    )


def conversation_search_texts(conversation: Conversation) -> dict[str, str | None]:
    """The values of `CONVERSATION_COLUMNS`."""
    texts = conversation.title, conversation.last_content
    return dict(zip(CONVERSATION_COLUMNS, map(folded_or_none, texts), strict=True))


def _lines(*texts: str | None) -> str:
    return "\n".join(filter(None, dict.fromkeys(fold(text) for text in texts if text)))
