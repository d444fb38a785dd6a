"""Webhooks: an endpoint, the delivery of one event to it, and each attempt (HTTP request) of a
delivery. Each dialect has its own names for them in its JSON."""

from typing import Literal

from msgspec import Struct, field

from koine.model.event import LoggedEvent

EndpointStatus = Literal["active", "disabled"]
Backoff = Literal["linear", "exponential"]
DeliveryState = Literal["pending", "delivered", "failed", "cancelled"]


class WebhookEndpoint(Struct, frozen=True):
    """A tenant's URL and the events that are posted to it.

    `dialect` names the format of the payloads, one of `Engine.webhook_formats`; `kinds` is a JSON
    list of that format's event names, empty for all of them.

    `secret`, `old_secret` (which signs too, until `old_secret_until`) and `headers` are encrypted.
    Without `max_retries` and `backoff` retries follow the schedule of Standard Webhooks.

    `permissions` (JSON list) and `include_private_notes` are the rights its owner delegated to it:
    the most that a payload may show. The owner is the user `acts_as_user_id` or the API key
    `owner_key_id`; without either, the operator of the server.

    Events up to `after_position`, the end of the log when it was created or enabled, are delivered
    only on request. `failures` in a row since `failing_since` open the circuit breaker: no attempt
    until `open_until`, then one at a time.
    """

    id: str
    dialect: str
    inbox_id: str | None
    name: str
    url: str
    kinds: str
    headers: bytes | None
    secret: bytes
    old_secret: bytes | None
    old_secret_until: int | None
    max_retries: int | None
    backoff: Backoff | None
    permissions: str
    include_private_notes: bool
    acts_as_user_id: str | None
    after_position: int
    status: EndpointStatus
    reason: str | None
    failures: int
    failing_since: int | None
    open_until: int | None
    created_by: str | None
    created_at: int
    updated_at: int
    owner_key_id: str | None


class EndpointKey(Struct, frozen=True):
    """The primary key of an endpoint."""

    tenant_id: str
    endpoint_id: str


class DisableDecision(Struct, frozen=True):
    """Why an endpoint is to be disabled, and its `updated_at` when that was found out: if it was
    changed since, it is left as it is."""

    reason: str
    updated_at: int


class TenantEndpoint(WebhookEndpoint, frozen=True):
    """An endpoint with its tenant."""

    tenant_id: str

    @property
    def key(self) -> EndpointKey:
        """Its primary key."""
        return EndpointKey(self.tenant_id, self.id)


class EndpointHealth(Struct, frozen=True):
    """How the last attempts went: the part of an endpoint that dispatchers write."""

    failures: int = 0
    failing_since: int | None = None
    open_until: int | None = None


class WebhookDelivery(Struct, frozen=True):
    """One event for one endpoint; `event_id` is sent as `webhook-id`.

    `attempt` counts the attempts since it was enqueued or replayed, `lease_version` all that were
    ever begun. `due_at` is the time of the next attempt, or the end of the lease while an attempt
    runs. `response_status` and `error` are of the last attempt. `request_id` is that of the event.
    """

    endpoint_id: str
    position: int
    event_id: str
    kind: str
    conversation_id: str | None
    state: DeliveryState
    attempt: int
    due_at: int
    lease_version: int
    response_status: int | None
    error: str | None
    event_at: int
    created_at: int
    finished_at: int | None
    request_id: str | None = None


class Claim(Struct, frozen=True):
    """A delivery that this dispatcher alone attempts until its lease ends. `event` is None when the
    log no longer has it; then nothing can be sent."""

    endpoint: EndpointKey
    position: int
    event_id: str
    attempt: int
    lease_version: int
    event: LoggedEvent | None


class Result(Struct, frozen=True, kw_only=True):
    """The outcome of a claimed delivery."""

    endpoint: EndpointKey
    position: int
    lease_version: int
    state: DeliveryState
    attempt: int
    due_at: int
    response_status: int | None = None
    error: str | None = None
    finished_at: int | None = None


class Attempt(Struct, frozen=True):
    """One HTTP request of a delivery: what was posted, without secrets, and the response, cut."""

    endpoint_id: str
    position: int
    number: int
    started_at: int
    url: str
    headers: str
    body: str | None
    response_status: int | None
    response_headers: str | None
    response_body: str | None
    error: str | None
    duration_us: int


class WebhookPayload(Struct, frozen=True):
    """An event in a dialect's format: its name there, and the body that is posted."""

    kind: str
    body: bytes


class DeliveryDetail(Struct, frozen=True):
    """A delivery with its attempts, newest first."""

    delivery: WebhookDelivery
    attempts: list[Attempt] = field(default_factory=list)
