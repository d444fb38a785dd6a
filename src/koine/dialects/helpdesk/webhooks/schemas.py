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
    """How often it is tried again, and how the wait grows (F)."""

    max_retries: Annotated[int, Meta(ge=0, le=10)] = 3
    backoff_strategy: Backoff = "exponential"


class ChangeRetryPolicy(Struct, frozen=True, rename="camel"):
    """What to change of it (D); what is left out stays."""

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
    """What to change (D); what is left out stays. Headers and secret do not go along to a `url` of
    another origin, unless they are given."""

    name: Name | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    headers: Headers | UnsetType = UNSET
    secret: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    retry_policy: ChangeRetryPolicy | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class Webhook(Struct, frozen=True, kw_only=True, rename="camel"):
    """A webhook. `secret` is shown when it is new, and never again (F)."""

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
    """A page of webhooks (F: in this dialect's one list with its own shape)."""

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
    """One event on its way to the webhook (D). `_id` is its `webhook-id`; the answer is the last
    one."""

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
    """What came of a test (D): the answer's status and beginning, and why it counts as failed."""

    delivered: bool
    response_status: int | None
    response_body: str | None
    error: str | None
    took_ms: float


class Tested(Struct, frozen=True):
    """What came of a test."""

    success: bool
    data: TestOutcome
