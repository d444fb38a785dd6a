"""Webhooks: an endpoint that is told (`Hook`), one event on its way to it (`Delivery`), one try
(`Attempt`). The words on the wire are each dialect's own."""

from typing import Literal

from msgspec import Struct, field

from koine.model.event import LoggedEvent

EndpointStatus = Literal["active", "disabled"]
Backoff = Literal["linear", "exponential"]
DeliveryState = Literal["pending", "delivered", "failed", "cancelled"]


class WebhookEndpoint(Struct, frozen=True):
    """One endpoint. `dialect` names the format of what it gets, one of `Engine.voices`; `kinds` is
    a JSON list of that format's names of events, empty for all.

    `secret`, `old_secret` (which signs, too, until `old_secret_until`) and `headers` are sealed.
    `max_retries` and `backoff` None: the schedule of Standard Webhooks. `permissions` (JSON list)
    and `hears_private` are what it may be told at most: the rights its owner lent it. The owner is
    the person `reads_as` or the key `owner_key_id`; neither: the operator. Events up to position
    `since` are not told by themselves.
    `failures` in a row since `failing_since` open the breaker: until `open_until` nothing is tried,
    then one delivery at a time.
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
    hears_private: bool
    reads_as: str | None
    since: int
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
    """An endpoint, wherever it is."""

    tenant_id: str
    endpoint_id: str


class TenantEndpoint(WebhookEndpoint, frozen=True):
    """An endpoint and whose it is."""

    tenant_id: str

    @property
    def key(self) -> EndpointKey:
        """Where it is."""
        return EndpointKey(self.tenant_id, self.id)


class EndpointHealth(Struct, frozen=True):
    """How an endpoint's last tries went: the part of a hook that a sender moves."""

    failures: int = 0
    failing_since: int | None = None
    open_until: int | None = None


class WebhookDelivery(Struct, frozen=True):
    """One event on its way to one endpoint; `event_id` is its `webhook-id`.

    `attempt` counts the tries of this round (a replay begins another), `fence` all that were ever
    begun. `due_at` is when it is tried next, while a try is under way when that one is given up.
    `answered` and `error` are the last try's.
    """

    hook_id: str
    position: int
    event_id: str
    kind: str
    conversation_id: str | None
    state: DeliveryState
    attempt: int
    due_at: int
    fence: int
    answered: int | None
    error: str | None
    event_at: int
    created_at: int
    finished_at: int | None


class Claim(Struct, frozen=True):
    """A delivery that this sender, and no other, is to try now. `event` is None when the log has
    forgotten it; then there is nothing to tell."""

    place: EndpointKey
    position: int
    event_id: str
    attempt: int
    fence: int
    event: LoggedEvent | None


class Result(Struct, frozen=True, kw_only=True):
    """What became of a claim."""

    place: EndpointKey
    position: int
    fence: int
    state: DeliveryState
    attempt: int
    due_at: int
    answered: int | None = None
    error: str | None = None
    finished_at: int | None = None


class Attempt(Struct, frozen=True):
    """One try: what was posted where, without secrets, and what came back, cut."""

    hook_id: str
    position: int
    number: int
    at: int
    url: str
    headers: str
    body: str | None
    answered: int | None
    answer_headers: str | None
    answer_body: str | None
    error: str | None
    took_us: int


class WebhookPayload(Struct, frozen=True):
    """An event in a dialect's words: its name there, and the body that is posted."""

    kind: str
    body: bytes


class DeliveryDetail(Struct, frozen=True):
    """A delivery with its tries, newest first."""

    delivery: WebhookDelivery
    attempts: list[Attempt] = field(default_factory=list)
