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
    """How many times a failed delivery is retried, and whether the wait grows by a minute each time
    or doubles from half a minute."""

    max_retries: Retries = 3
    backoff: Backoff = "exponential"


class ChangeRetryPolicy(Struct, frozen=True):
    """What to change of a policy; what is left out stays."""

    max_retries: Retries | UnsetType = UNSET
    backoff: Backoff | UnsetType = UNSET


class CreateWebhook(Struct, frozen=True, kw_only=True):
    """A new endpoint. Without `events` it receives all; with `inbox_id` only those of the inbox's
    conversations; without `retry_policy` failed deliveries are retried as Standard Webhooks
    advises."""

    url: Url
    name: Title = ""
    dialect: WebhookDialect = "native"
    inbox_id: Id | None = None
    events: Kinds = []
    headers: Headers = {}
    retry_policy: RetryPolicy | None = None


class ChangeWebhook(Struct, frozen=True, kw_only=True):
    """What to change of an endpoint; what is left out stays. `status` switches it on again, or
    off. A `url` of another origin gets neither the old headers nor the old secret."""

    url: Url | UnsetType = UNSET
    name: Title | UnsetType = UNSET
    inbox_id: Id | UnsetType | None = UNSET
    events: Kinds | UnsetType = UNSET
    headers: Headers | UnsetType = UNSET
    secret: Secret | UnsetType = UNSET
    retry_policy: ChangeRetryPolicy | UnsetType | None = UNSET
    status: Literal["active", "disabled"] | UnsetType = UNSET


class Webhook(Struct, frozen=True, kw_only=True):
    """An endpoint. `reason` says why it is disabled; `failing_since` since when every attempt
    fails, `paused_until` until when none is made. It receives what its owner may read: a user, else
    an API key, else (both null) the operator."""

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


class CreatedWebhook(Webhook, frozen=True, kw_only=True):
    """An endpoint with its secret, which no later response has."""

    secret: str


class ChangedWebhook(Webhook, frozen=True, kw_only=True):
    """An endpoint; with its secret if that is new. No later response has it."""

    secret: str | UnsetType = UNSET


class Webhooks(Struct, frozen=True):
    """A page of endpoints, oldest first."""

    data: list[Webhook]
    next_cursor: str | None


class RotateSecret(Struct, frozen=True):
    """For how many hours requests are signed with the old secret, too."""

    overlap_hours: Annotated[int, Meta(ge=0, le=168)] = 24


class KindsQuery(Struct, frozen=True):
    """The dialect whose events are listed."""

    dialect: WebhookDialect = "native"


class EventKinds(Struct, frozen=True):
    """The events that an endpoint can receive."""

    data: list[str]


class DeliveryQuery(PageQuery, frozen=True, kw_only=True):
    """Deliveries in one of these states, of one of these kinds of event, about events from `since`
    until before `until`, of one request. Kinds are those of the event log, in any dialect."""

    state: list[DeliveryState] | None = None
    kind: list[str] | None = None
    since: Time | None = None
    until: Time | None = None
    request_id: str | None = None


class WebhookDelivery(Struct, frozen=True, kw_only=True):
    """One event for one endpoint; `id` is its `webhook-id`, the same in each attempt. `status` and
    `error` are those of the last attempt, `request_id` is the `X-Request-Id` of the request that
    caused the event."""

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
    request_id: str | None


class WebhookDeliveries(Struct, frozen=True):
    """A page of deliveries, newest event first."""

    data: list[WebhookDelivery]
    next_cursor: str | None


class AttemptRequest(Struct, frozen=True):
    """The request of an attempt, without signatures and the endpoint's own headers. `body` is cut
    at 16 KiB; null once its conversation was deleted, and for callers that may not read
    conversations."""

    url: str
    headers: dict[str, str]
    body: str | None


class AttemptResponse(Struct, frozen=True):
    """The response to an attempt; `body` is cut at 4 KiB."""

    status: int
    headers: dict[str, str]
    body: str | None


class Attempt(Struct, frozen=True, kw_only=True):
    """One HTTP request of a delivery. `answer` is null when there was no response; `error` says why
    the attempt counts as failed."""

    number: int
    at: str
    took_ms: float
    request: AttemptRequest
    answer: AttemptResponse | None
    error: str | None


class WebhookDeliveryDetail(WebhookDelivery, frozen=True, kw_only=True):
    """A delivery with its attempts, newest first."""

    tries: list[Attempt]


class PingResult(Struct, frozen=True):
    """The result of a test delivery."""

    delivered: bool
    attempt: Attempt


class Replay(Struct, frozen=True, kw_only=True):
    """Which events to deliver again: those from `since` until before `until` (without it: now), of
    these kinds (without: of all)."""

    since: Time
    until: Time | None = None
    kinds: Kinds = []


class ReplayResult(Struct, frozen=True):
    """How many events were queued for another delivery."""

    queued: int
