"""Inboxes: the doors through which contacts reach a tenant, and a contact's place in one."""

from typing import Literal

from msgspec import Struct

ChannelType = Literal["email", "chat", "phone", "whatsapp", "widget", "waha", "instagram", "api"]
CHANNEL_TYPES: tuple[str, ...] = (
    "email", "chat", "phone", "whatsapp", "widget", "waha", "instagram", "api",
)  # fmt: skip

ContactInboxOrigin = Literal["contact", "tenant", "joined"]
"""`contact`: the contact was made through this place, by its own client. `tenant`: the tenant made
the place for a contact. `joined`: the contact was there before the place was its."""
ContactMatching = Literal["proof", "trusting"]
"""`proof`: who says to be a known contact is it only with a valid identity hash. `trusting`: an
identifier, e-mail or phone is enough, for bridges that keep the inbox identifier secret."""


class Inbox(Struct, frozen=True):
    """One inbox. `identifier` is its public name (inbox.md; at least 128 random bits),
    `hmac_token` signs contacts' identifiers, `settings` is JSON text the engine reads through
    `InboxSettings`.
    """

    id: str
    number: int
    name: str
    channel_type: ChannelType
    identifier: str
    hmac_token: str
    identity_required: bool
    single_conversation: bool
    responder_id: str | None
    settings: str
    created_at: int
    updated_at: int
    removed_at: int | None


class ContactInbox(Struct, frozen=True):
    """A contact's place in an inbox: `source_id` is what the contact's client knows it by,
    `pubsub_token` opens its stream. `proved_identifier` is the identifier a valid hash was shown
    for: it proves something only while it is the contact's. `proof_required`: one was shown once,
    and every call must show one since. `origin` says how the place came to be. `given` is JSON
    text, read through `PlaceGiven`: what its client said of the contact (None: it did before this
    was kept).
    """

    inbox_id: str
    contact_id: str
    source_id: str
    pubsub_token: str
    proof_required: bool
    created_at: int
    proved_identifier: str | None = None
    origin: ContactInboxOrigin = "tenant"
    given: str | None = "{}"


class ContactInboxValues(Struct, frozen=True, omit_defaults=True):
    """What `ContactInbox.given` holds."""

    name: str | None = None
    email: str | None = None
    phone_number: str | None = None
    identifier: str | None = None
    avatar_url: str | None = None
    custom_attributes: dict[str, object] = {}


class WorkingDay(Struct, frozen=True):
    """Opening hours of one day of the week, 0 is Sunday; hours are None while closed all day."""

    day_of_week: int
    closed_all_day: bool = False
    open_hour: int | None = 9
    open_minutes: int | None = 0
    close_hour: int | None = 17
    close_minutes: int | None = 0
    open_all_day: bool = False


def _closed(day: int) -> WorkingDay:
    return WorkingDay(day, True, None, None, None, None)


class InboxSettings(Struct, frozen=True, omit_defaults=True):
    """What `Inbox.settings` holds; the defaults are inbox.md's (F).

    `csat_message` asks for the rating. `public_attributes` names the attributes of a contact that
    its own client may read although the tenant wrote them, `public_labels` shows its labels (D).
    """

    timezone: str = "UTC"
    working_hours_enabled: bool = False
    working_hours: tuple[WorkingDay, ...] = (
        _closed(0),
        *(WorkingDay(day) for day in range(1, 6)),
        _closed(6),
    )
    csat_survey_enabled: bool = False
    csat_message: str = "Please rate this conversation"
    greeting_enabled: bool = False
    avatar_url: str = ""
    locale: str = "en"
    public_attributes: tuple[str, ...] = ()
    public_labels: bool = False
    contact_matching: ContactMatching = "proof"
