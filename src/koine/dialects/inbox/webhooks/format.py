"""The webhook of an inbox: the original's names of events, bodies and signature (inbox.md, F)."""

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from uuid import UUID

import msgspec

from koine.dialects.inbox.webhooks.render import (
    PayloadContext,
    render_account,
    render_conversation_event,
    render_message_event,
)
from koine.model.actor import Actor
from koine.model.event import EventKind, LoggedEvent
from koine.model.event_context import EventContext
from koine.model.tenant import Tenant
from koine.model.webhook import WebhookPayload
from koine.model.webhook_format import EventNames

PING = "webwidget_triggered"
_STATUS = "conversation_status_changed"
_NAMES: dict[EventKind, tuple[str, ...]] = {
    "message.created": ("message_created",),
    "message.updated": ("message_updated",),
    "conversation.created": ("conversation_created",),
    "conversation.updated": (_STATUS, "conversation_updated"),
}
"""The names that each kind of event may have here; typing is sent to sockets alone (D)."""
KINDS = tuple(sorted({name for names in _NAMES.values() for name in names}))


class InboxWebhookFormat:
    """The `WebhookFormat` of this dialect; files are fetched from below `base_url`."""

    kinds = KINDS
    header_prefixes: tuple[str, ...] = ("x-chatwoot-",)

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def may_match(self, event: LoggedEvent, kinds: EventNames) -> bool:
        """Whether the endpoint asks for one of the names that the event may have."""
        names = _NAMES.get(event.kind, ())
        return bool(names) and (not kinds or not kinds.isdisjoint(names))

    def payload(
        self, context: EventContext, tenant: Tenant, kinds: EventNames, reader: Actor
    ) -> WebhookPayload | None:
        """The event; None outside of any inbox, or for a conversation that was removed."""
        c, related = context.conversation_then, context.related
        inbox = related.inboxes.get((c.inbox_id if c else None) or "")
        name = _event_name(context, kinds)
        if c is None or inbox is None or c.removed_at is not None or name is None:
            return None
        rendering = PayloadContext(tenant, inbox, c, related.people, self._base_url)
        if not context.event.kind.startswith("message."):
            change = context.change if context.event.kind == "conversation.updated" else None
            return _payload(name, render_conversation_event(name, rendering, change))
        message = context.message
        if message is None:
            return None
        return _payload(name, render_message_event(name, rendering, message))

    def ping(self, tenant: Tenant, now: int) -> WebhookPayload:
        """The event of a test delivery."""
        return _payload(PING, {"event": PING, "account": render_account(tenant)})

    def signatures(
        self, secrets: Sequence[str], event_id: str, now_s: int, body: bytes
    ) -> Mapping[str, str]:
        """`X-Chatwoot-Signature`: HMAC-SHA256 of the time and the body, with the newest secret as
        the key. The delivery's UUID is the event's, so that it is the same in each attempt (D)."""
        signed = f"{now_s}.".encode() + body
        signature = hmac.digest(secrets[0].encode(), signed, sha256).hex()
        return {
            "X-Chatwoot-Timestamp": str(now_s),
            "X-Chatwoot-Signature": f"sha256={signature}",
            "X-Chatwoot-Delivery": str(UUID(event_id.removeprefix("evt_"))),
        }


def _event_name(context: EventContext, kinds: EventNames) -> str | None:
    """The event's name, if the endpoint asks for it. A change of status has a name of its own; an
    endpoint that does not ask for that receives it as an update."""
    names = _NAMES.get(context.event.kind, ())
    if _STATUS in names and "status" not in context.change.changed:
        names = ("conversation_updated",)
    return next((name for name in names if not kinds or name in kinds), None)


def _payload(name: str, body: object) -> WebhookPayload:
    return WebhookPayload(name, msgspec.json.encode(body))
