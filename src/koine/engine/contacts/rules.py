"""What a contact's client may send about it, and random names for contacts without (inbox.md,
F)."""

import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Self

import msgspec
from msgspec import Struct

from koine.engine.core.attributes import check_values
from koine.model.errors import Invalid
from koine.model.identity import Identity
from koine.model.links import is_link

LONGEST_TEXT = 1500
LARGEST_NUMBER = 9_999_999_999
LONGEST_FIELD = 255
LONGEST_URL = 2048

# The original's own patterns: an address is whatever has one @ and no blank.
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)
_ADJECTIVES = (
    "autumn", "bold", "bright", "calm", "clever", "cool", "crimson", "dawn", "fair", "gentle",
    "golden", "green", "hidden", "icy", "jolly", "kind", "late", "little", "lively", "long",
    "misty", "morning", "patient", "proud", "quiet", "red", "silent", "snowy", "spring", "still",
    "summer", "sunny", "warm", "white", "wild", "winter", "wise", "young",
)  # fmt: skip
_NOUNS = (
    "bird", "brook", "butterfly", "cherry", "cloud", "dew", "dream", "dust", "feather", "field",
    "fire", "flower", "fog", "forest", "frost", "glade", "grass", "haze", "hill", "lake", "leaf",
    "meadow", "moon", "mountain", "night", "paper", "pine", "pond", "rain", "river", "sea", "sky",
    "snow", "sound", "star", "sun", "thunder", "tree", "water", "wave", "wind", "wood",
)  # fmt: skip


class ContactInput(Struct, frozen=True, kw_only=True):
    """What a client sends about its contact; None and blank texts mean no value."""

    source_id: str | None = None
    identifier: str | None = None
    identifier_hash: str | None = None
    email: str | None = None
    name: str | None = None
    avatar_url: str | None = None
    phone_number: str | None = None
    custom_attributes: dict[str, object] = {}


class ContactSettings(Struct, frozen=True, omit_defaults=True):
    """What `Identity.settings` has of a contact: the names of the attributes that its client
    gave."""

    given: tuple[str, ...] = ()

    @classmethod
    def of(cls, attributes: Mapping[str, object], given: Iterable[str]) -> Self:
        """The settings for custom attributes: those of the `given` names that they have."""
        return cls(tuple(name for name in dict.fromkeys(given) if name in attributes))


class InvalidFields(Invalid):
    """Several invalid fields: `fields` has their names in order, `message` the reasons."""

    def __init__(self, complaints: Mapping[str, str]) -> None:
        super().__init__(next(iter(complaints)), "invalid", ", ".join(complaints.values()))
        self.fields = tuple(complaints)


def check_person(values: Mapping[str, str | None]) -> None:
    """Raise InvalidFields for an invalid e-mail, phone number, URL or length (inbox.md, F)."""
    complaints: dict[str, str] = {}
    for name, value in values.items():
        longest = LONGEST_URL if name == "avatar_url" else LONGEST_FIELD
        if value is not None and len(value) > longest:
            label = name.replace("_", " ").capitalize()
            complaints[name] = f"{label} is too long (maximum is {longest} characters)"
    email, phone = values.get("email"), values.get("phone_number")
    if email and not _EMAIL.fullmatch(email):
        complaints.setdefault("email", "Email Invalid email")
    if phone and not _PHONE.fullmatch(phone):
        complaints["phone_number"] = "Phone number should be in e164 format"
    picture = values.get("avatar_url")
    if picture and not is_link(picture):
        complaints.setdefault("avatar_url", "Avatar url is invalid")
    if complaints:
        raise InvalidFields(complaints)


def check_attributes(attributes: Mapping[str, object]) -> None:
    """Raise Invalid for custom attributes beyond the limits (inbox.md, F; core/attributes)."""
    check_values("custom_attributes", attributes)
    complaints = [line for key, value in attributes.items() if (line := _refused(key, value))]
    if complaints:
        raise Invalid("custom_attributes", "too_large", ", ".join(complaints))


def contact_settings(contact: Identity) -> ContactSettings:
    """The contact's settings, decoded."""
    return msgspec.json.decode(contact.settings, type=ContactSettings)


def random_name() -> str:
    """A name like "quiet-river-471" for a contact without one."""
    adjective, noun = secrets.choice(_ADJECTIVES), secrets.choice(_NOUNS)
    return f"{adjective}-{noun}-{secrets.randbelow(1000)}"


def _refused(key: str, value: object) -> str | None:
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return f"{key} length should be < {LONGEST_TEXT}"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and value > LARGEST_NUMBER:  # type: ignore[operator]  # is_number says so
        return f"{key} value should be < {LARGEST_NUMBER}"
    return None
