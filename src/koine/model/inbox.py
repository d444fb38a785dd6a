"""Inboxes, where contacts write to a tenant, and contact inboxes: one contact at one inbox."""

from typing import Literal

from msgspec import Struct

ChannelType = Literal["email", "chat", "phone", "whatsapp", "widget", "waha", "instagram", "api"]
CHANNEL_TYPES: tuple[str, ...] = (
    "email", "chat", "phone", "whatsapp", "widget", "waha", "instagram", "api",
)  # fmt: skip

ContactInboxOrigin = Literal["contact", "tenant", "joined"]
"""`contact`: the contact was created through this contact inbox, by its client. `tenant`: the
tenant created it. `joined`: it was created for, or moved to, a contact that existed before."""
ContactMatching = Literal["proof", "trusting"]
"""How a client becomes an existing contact. `proof`: with a valid identity hash. `trusting`: by an
identifier, e-mail or phone, for bridges that keep the inbox identifier secret."""


class Inbox(Struct, frozen=True):
    """One inbox. `identifier` is its public name (inbox.md; at least 128 random bits), `settings`
    is JSON text the engine reads through `InboxSettings`.

    `sealed_hmac_token` is the HMAC token that signs contacts' identifiers, encrypted;
    `old_hmac_token`, encrypted as well, is the one before, valid until `old_hmac_token_until`. Read
    them by `engine.contacts.hmac_tokens`: `hmac_token` is the token in clear text only where
    `sealed_hmac_token` is None (an older Koine made the inbox), else random text without a use.
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
    sealed_hmac_token: bytes | None = None
    old_hmac_token: bytes | None = None
    old_hmac_token_until: int | None = None


class ContactInbox(Struct, frozen=True):
    """One contact at one inbox. Its client identifies it by `source_id`; `pubsub_token` opens its
    stream. `proved_identifier` is the identifier that a valid hash was sent for, which counts only
    while the contact has it. `proof_required`: a hash was sent once, and every request must have
    one since. `given` is JSON text, read through `ContactInboxValues`: the values that its client
    gave of the contact (None in rows from before they were stored).
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
    """`ContactInbox.given`, decoded."""

    name: str | None = None
    email: str | None = None
    phone_number: str | None = None
    identifier: str | None = None
    avatar_url: str | None = None
    custom_attributes: dict[str, object] = {}


class WorkingDay(Struct, frozen=True):
    """Opening hours of one day of the week, 0 is Sunday; null on a day that is closed."""

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
    """`Inbox.settings`, decoded; the defaults are those of inbox.md (F).

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
