"""How a dialect tells an endpoint of an event: its names of events, its bodies, its signatures."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from koine.model.actor import Actor
from koine.model.event import LoggedEvent
from koine.model.event_context import EventContext
from koine.model.tenant import Tenant
from koine.model.webhook import WebhookPayload

EventNames = frozenset[str]
"""The dialect's names of the events an endpoint asks for; empty for all of them."""


class WebhookFormat(Protocol):
    """One dialect's webhooks. Everything is quick and pure."""

    kinds: tuple[str, ...]
    """The names of all the events it can tell."""

    def may_match(self, event: LoggedEvent, kinds: EventNames) -> bool:
        """Whether an event may have to be told; it is asked before anything but the event is
        known, so it may say yes where `told` will say nothing."""

    def payload(
        self, context: EventContext, tenant: Tenant, kinds: EventNames, reader: Actor
    ) -> WebhookPayload | None:
        """An event in the dialect's words, as the reader, whose rights the endpoint has, may read
        it; None when this language, or the endpoint, says nothing of it. The same for every
        endpoint that asks for the same kinds with the same rights."""

    def ping(self, tenant: Tenant, now: int) -> WebhookPayload:
        """What the button "test" sends, at `now` (µs)."""

    def signatures(
        self, secrets: Sequence[str], event_id: str, now_s: int, body: bytes
    ) -> Mapping[str, str]:
        """The dialect's own headers, beside those of Standard Webhooks. The newest secret is the
        first."""


WebhookFormats = Mapping[str, WebhookFormat]
"""The formats, by the names of their dialects."""
