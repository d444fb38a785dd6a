"""What this dialect's webhooks post: bodies and signature (helpdesk.md, "Neighbours", F)."""

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct

from koine.dialects.helpdesk import events
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.event import LoggedEvent
from koine.model.event_context import EventContext
from koine.model.tenant import Tenant
from koine.model.webhook import WebhookPayload
from koine.model.webhook_format import EventNames

SIGNATURE = "X-Webhook-Signature"
PING = "ping"
_UPDATED = "conversation.updated"
_NAMES: dict[str, frozenset[str]] = {
    "conversation.created": frozenset({"conversation.created"}),
    _UPDATED: frozenset({_UPDATED, "conversation.assigned", "conversation.closed"}),
    "identity.created": frozenset({"customer.created"}),
    "identity.updated": frozenset({"customer.updated"}),
    "identity.merged": frozenset({"customer.updated"}),
    "message.created": frozenset({"message.sent", "message.received"}),
}
"""The names that an event of the log may have in this dialect."""
KINDS = tuple(sorted(frozenset().union(*_NAMES.values())))


class Body(Struct, frozen=True):
    """The body of a request (F). `timestamp` is the time of the event; `data` is the object at the
    time of the request."""

    event: str
    timestamp: str
    data: object


class HelpdeskWebhookFormat:
    """The `WebhookFormat` of this dialect."""

    kinds = KINDS
    header_prefixes: tuple[str, ...] = (SIGNATURE.lower(),)

    def may_match(self, event: LoggedEvent, kinds: EventNames) -> bool:
        """Whether the endpoint asks for one of the names the event may have."""
        names = _NAMES.get(event.kind, frozenset())
        return bool(names & kinds) if kinds else bool(names)

    def payload(
        self, context: EventContext, tenant: Tenant, kinds: EventNames, reader: Actor
    ) -> WebhookPayload | None:
        """The event under the first of its names that the endpoint asks for: a closing is also an
        update. None if there is no such name, or the object is gone."""
        name, data = events.event_name(context), events.event_data(context)
        if name in _NAMES[_UPDATED]:
            name = next(
                (each for each in events.change_names(context) if each in (kinds or KINDS)), None
            )
        if name is None or name not in (kinds or KINDS) or data is None:
            return None
        return _payload(name, context.event.created_at, data)

    def ping(self, tenant: Tenant, now: int) -> WebhookPayload:
        """A test event (D)."""
        return _payload(PING, now, {"tenant": tenant.slug})

    def signatures(
        self, secrets: Sequence[str], event_id: str, now_s: int, body: bytes
    ) -> Mapping[str, str]:
        """HMAC-SHA256 of the body in lower-case hexadecimal; the key is the secret's text (D)."""
        return {SIGNATURE: hmac.digest(secrets[0].encode(), body, sha256).hex()}


def _payload(name: str, at: int, data: object) -> WebhookPayload:
    return WebhookPayload(name, msgspec.json.encode(Body(name, iso_ms(at), data)))
