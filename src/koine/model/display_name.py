"""The name that a person is displayed with."""

from typing import Protocol


class Named(Protocol):
    """What has a name, in one part or in two."""

    @property
    def name(self) -> str | None:
        """The whole name."""

    @property
    def first_name(self) -> str | None:
        """The first name."""

    @property
    def last_name(self) -> str | None:
        """The last name."""


def display_name(person: Named) -> str | None:
    """The name; without one, first and last name, or that of the two which there is.

    None where there is neither; blanks are no name. `store.people.display_names` does the same in
    SQL."""
    if person.name and person.name.strip(" "):
        return person.name
    parts = [(part or "").strip(" ") for part in (person.first_name, person.last_name)]
    return " ".join(filter(None, parts)) or None
