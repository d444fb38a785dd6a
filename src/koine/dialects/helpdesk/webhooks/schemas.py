"""Bodies and queries of the requests for webhooks (helpdesk.md, "Neighbours", F)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from koine.dialects.helpdesk.schemas import PageQuery, Time
from koine.model.webhook import Backoff

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
Url = Annotated[str, Meta(min_length=1, max_length=2000)]
Event = Literal[
    "conversation.created",
    "conversation.updated",
    "conversation.assigned",
    "conversation.closed",
    "customer.created",
    "customer.updated",
    "message.sent",
    "message.received",
]
Events = Annotated[list[Event], Meta(min_length=1, max_length=20)]
Headers = Annotated[dict[str, str], Meta(max_length=20)]
LogStatus = Literal["pending", "success", "failed"]


class RetryPolicy(Struct, frozen=True, rename="camel"):
    """How often a delivery is retried, and how the delay grows (F)."""

    max_retries: Annotated[int, Meta(ge=0, le=10)] = 3
    backoff_strategy: Backoff = "exponential"


class ChangeRetryPolicy(Struct, frozen=True, rename="camel"):
    """Changes of the retry policy (D); absent fields are not changed."""

    max_retries: Annotated[int, Meta(ge=0, le=10)] | UnsetType = UNSET
    backoff_strategy: Backoff | UnsetType = UNSET


class CreateWebhook(Struct, frozen=True, kw_only=True, rename="camel"):
    """A new webhook (F)."""

    name: Name
    url: Url
    events: Events
    headers: Headers = {}
    retry_policy: RetryPolicy = RetryPolicy()


class UpdateWebhook(Struct, frozen=True, kw_only=True, rename="camel"):
    """Changes of a webhook (D); absent fields do not change. For a `url` of another origin, headers
    and secret are replaced: by those of the request, else by no headers and a new secret."""

    name: Name | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    headers: Headers | UnsetType = UNSET
    secret: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    retry_policy: ChangeRetryPolicy | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class Webhook(Struct, frozen=True, kw_only=True, rename="camel"):
    """A webhook. `secret` is returned only when a new one was made (F)."""

    id: str = field(name="_id")
    name: str
    url: str
    events: list[str]
    secret: str | UnsetType = UNSET
    is_active: bool
    inactive_reason: str | None
    retry_policy: RetryPolicy
    created_at: Time
    updated_at: Time


class OneWebhook(Struct, frozen=True):
    """One webhook."""

    success: bool
    data: Webhook


class WebhookPage(Struct, frozen=True, rename="camel"):
    """A page of webhooks (F: the only list of this API with another form)."""

    webhooks: list[Webhook]
    total: int
    page: int
    limit: int
    total_pages: int


class Webhooks(Struct, frozen=True):
    """A page of webhooks, oldest first."""

    success: bool
    data: WebhookPage


class LogQuery(PageQuery, frozen=True):
    """Deliveries with this outcome."""

    status: LogStatus | None = None


class Log(Struct, frozen=True, kw_only=True, rename="camel"):
    """One event for the webhook (D). `_id` is its `webhook-id`; the response is that of the last
    attempt."""

    id: str = field(name="_id")
    event: str
    status: LogStatus
    attempts: int
    response_status: int | None
    error: str | None
    next_attempt_at: Time | None
    created_at: Time
    completed_at: Time | None


class LogPage(Struct, frozen=True, rename="camel"):
    """A page of deliveries (D)."""

    logs: list[Log]
    total: int
    page: int
    limit: int
    total_pages: int


class Logs(Struct, frozen=True):
    """A page of deliveries, newest event first."""

    success: bool
    data: LogPage


class TestOutcome(Struct, frozen=True, rename="camel"):
    """The result of a test (D): status and beginning of the response, and why it failed."""

    delivered: bool
    response_status: int | None
    response_body: str | None
    error: str | None
    took_ms: float


class Tested(Struct, frozen=True):
    """The result of a test."""

    success: bool
    data: TestOutcome
