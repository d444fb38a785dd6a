"""The webhook format of a dialect: its names of events, its payloads, its signatures."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from koine.model.actor import Actor
from koine.model.event import LoggedEvent
from koine.model.event_context import EventContext
from koine.model.tenant import Tenant
from koine.model.webhook import WebhookPayload

EventNames = frozenset[str]
"""The dialect's names of the events that an endpoint wants; empty for all of them."""


class WebhookFormat(Protocol):
    """The webhooks of one dialect. Its functions are pure and fast: they run on the event loop."""

    kinds: tuple[str, ...]
    """The names of all events that it has."""
    header_prefixes: tuple[str, ...]
    """How the names of the headers that `signatures` returns begin, in lower case. No endpoint of
    any dialect may set such a header itself."""

    def may_match(self, event: LoggedEvent, kinds: EventNames) -> bool:
        """Whether an event may have to be sent. This is asked before the context is loaded, so it
        may be True where `payload` then is None."""

    def payload(
        self, context: EventContext, tenant: Tenant, kinds: EventNames, reader: Actor
    ) -> WebhookPayload | None:
        """The payload of an event, as `reader`, who has the rights of the endpoint, may see it.
        None when the dialect has no such event, or the endpoint does not want it. It is the same
        for all endpoints with the same kinds and rights."""

    def ping(self, tenant: Tenant, now: int) -> WebhookPayload:
        """The payload of a test delivery, at `now` (µs)."""

    def signatures(
        self, secrets: Sequence[str], event_id: str, now_s: int, body: bytes
    ) -> Mapping[str, str]:
        """The dialect's own signature headers, beside those of Standard Webhooks. The newest secret
        is the first."""


WebhookFormats = Mapping[str, WebhookFormat]
"""The formats, by the names of their dialects."""
