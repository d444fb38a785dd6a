"""The types of webhook endpoints and their deliveries."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from koine.dialects.native.schemas import Id, PageQuery, Time
from koine.model.webhook import Backoff, DeliveryState

Url = Annotated[str, Meta(min_length=1, max_length=2000)]
Title = Annotated[str, Meta(max_length=255)]
Kind = Annotated[str, Meta(min_length=1, max_length=100)]
Kinds = Annotated[list[Kind], Meta(max_length=100)]
Headers = Annotated[dict[str, str], Meta(max_length=20)]
Secret = Annotated[str, Meta(max_length=100)]
Retries = Annotated[int, Meta(ge=0, le=10)]
WebhookDialect = Literal["native", "helpdesk", "inbox"]


class RetryPolicy(Struct, frozen=True):
    """How often a delivery that fails is tried again, and whether the wait grows by a minute each
    time or doubles from half a minute."""

    max_retries: Retries = 3
    backoff: Backoff = "exponential"


class ChangeRetryPolicy(Struct, frozen=True):
    """What to change of a policy; what is left out stays."""

    max_retries: Retries | UnsetType = UNSET
    backoff: Backoff | UnsetType = UNSET


class CreateWebhook(Struct, frozen=True, kw_only=True):
    """A new endpoint. Without `events` it receives all; with `inbox_id` only those of the inbox's
    conversations; without `retry_policy` it is tried as Standard Webhooks advises."""

    url: Url
    name: Title = ""
    dialect: WebhookDialect = "native"
    inbox_id: Id | None = None
    events: Kinds = []
    headers: Headers = {}
    retry_policy: RetryPolicy | None = None


class ChangeWebhook(Struct, frozen=True, kw_only=True):
    """What to change of an endpoint; what is left out stays. `status` switches it on again, or
    off. Headers and secret do not go along to a `url` of another origin, unless they are given."""

    url: Url | UnsetType = UNSET
    name: Title | UnsetType = UNSET
    inbox_id: Id | UnsetType | None = UNSET
    events: Kinds | UnsetType = UNSET
    headers: Headers | UnsetType = UNSET
    secret: Secret | UnsetType = UNSET
    retry_policy: ChangeRetryPolicy | UnsetType | None = UNSET
    status: Literal["active", "disabled"] | UnsetType = UNSET


class Webhook(Struct, frozen=True, kw_only=True):
    """An endpoint. `reason` says why it is disabled; `failing_since` since when every try fails,
    `paused_until` until when none is made. It receives what its owner may read: a user, else an API
    key, else (both null) the operator."""

    id: str
    name: str
    url: str
    dialect: WebhookDialect
    inbox_id: str | None
    events: list[str]
    retry_policy: RetryPolicy | None
    status: Literal["active", "disabled"]
    reason: str | None
    failures: int
    failing_since: str | None
    paused_until: str | None
    created_by: str | None
    owner_user_id: str | None
    owner_key_id: str | None
    created_at: str
    updated_at: str


class MadeWebhook(Webhook, frozen=True, kw_only=True):
    """An endpoint with its secret, which is shown this once."""

    secret: str


class ChangedWebhook(Webhook, frozen=True, kw_only=True):
    """An endpoint; a secret that is new is shown this once."""

    secret: str | UnsetType = UNSET


class Webhooks(Struct, frozen=True):
    """A page of endpoints, oldest first."""

    data: list[Webhook]
    next_cursor: str | None


class RotateSecret(Struct, frozen=True):
    """For how many hours the old secret signs, too."""

    overlap_hours: Annotated[int, Meta(ge=0, le=168)] = 24


class KindsQuery(Struct, frozen=True):
    """Of which dialect."""

    dialect: WebhookDialect = "native"


class EventKinds(Struct, frozen=True):
    """The events an endpoint can ask for."""

    data: list[str]


class DeliveryQuery(PageQuery, frozen=True, kw_only=True):
    """Deliveries in one of these states, of one of these kinds of event, about events from `since`
    until before `until`. Kinds are those of the event log, in any dialect."""

    state: list[DeliveryState] | None = None
    kind: list[str] | None = None
    since: Time | None = None
    until: Time | None = None


class WebhookDelivery(Struct, frozen=True, kw_only=True):
    """An event on its way to an endpoint; `id` is its `webhook-id`, the same however often it is
    sent. `status` and `error` are the last answer's."""

    id: str
    webhook_id: str
    kind: str
    conversation_id: str | None
    state: DeliveryState
    attempts: int
    next_attempt_at: str | None
    status: int | None
    error: str | None
    happened_at: str
    created_at: str
    finished_at: str | None


class WebhookDeliveries(Struct, frozen=True):
    """A page of deliveries, newest event first."""

    data: list[WebhookDelivery]
    next_cursor: str | None


class Posted(Struct, frozen=True):
    """What was posted: signatures and the endpoint's own headers are left out. `body` is cut at
    16 KiB; null once its conversation was deleted, and for who may not read conversations."""

    url: str
    headers: dict[str, str]
    body: str | None


class Answered(Struct, frozen=True):
    """What came back; `body` is cut at 4 KiB."""

    status: int
    headers: dict[str, str]
    body: str | None


class Try(Struct, frozen=True, kw_only=True):
    """One try. Without `answer` there was none; `error` says why it counts as failed."""

    number: int
    at: str
    took_ms: float
    request: Posted
    answer: Answered | None
    error: str | None


class ShownDelivery(WebhookDelivery, frozen=True, kw_only=True):
    """A delivery with its tries, newest first."""

    tries: list[Try]


class PingOutcome(Struct, frozen=True):
    """What came of a ping."""

    delivered: bool
    attempt: Try


class Replay(Struct, frozen=True, kw_only=True):
    """What to deliver again: what happened from `since` until before `until` (now without one), of
    these kinds alone, if any."""

    since: Time
    until: Time | None = None
    kinds: Kinds = []


class Replayed(Struct, frozen=True):
    """How many events are on their way again."""

    queued: int
