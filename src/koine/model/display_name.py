"""The one name a person is shown by."""

from typing import Protocol


class Named(Protocol):
    """Whoever has a name in one part, or in two."""

    @property
    def name(self) -> str | None:
        """The whole name."""

    @property
    def first_name(self) -> str | None:
        """The first."""

    @property
    def last_name(self) -> str | None:
        """The last."""


def display_name(person: Named) -> str | None:
    """The name; of a person without one "first last", or the one of both that there is.

    None where there is neither; blanks are no name. `store.sender_names` says it in SQL.
    """
    if person.name and person.name.strip(" "):
        return person.name
    parts = [(part or "").strip(" ") for part in (person.first_name, person.last_name)]
    return " ".join(filter(None, parts)) or None
