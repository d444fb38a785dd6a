"""The webhook of an inbox: Chatwoot's bodies and signature (inbox.md, F)."""

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from uuid import UUID

import msgspec

from koine.dialects.inbox import wire_hooks
from koine.model.actor import Actor
from koine.model.event import EventKind, LoggedEvent
from koine.model.event_context import EventContext
from koine.model.tenant import Tenant
from koine.model.webhook import WebhookPayload
from koine.model.webhook_format import EventNames

PING = "webwidget_triggered"
_STATUS = "conversation_status_changed"
_OF: dict[EventKind, tuple[str, ...]] = {
    "message.created": ("message_created",),
    "message.updated": ("message_updated",),
    "conversation.created": ("conversation_created",),
    "conversation.updated": (_STATUS, "conversation_updated"),
}
"""What an event of the log is called here; typing is told on the socket alone (D)."""
KINDS = tuple(sorted({name for names in _OF.values() for name in names}))


class InboxHooks:
    """`engine.hook_voice.HookVoice` of this dialect; files are fetched from below `base_url`."""

    kinds = KINDS

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def may_match(self, event: LoggedEvent, kinds: EventNames) -> bool:
        """Whether one of the names it may get is asked for."""
        names = _OF.get(event.kind, ())
        return bool(names) and (not kinds or not kinds.isdisjoint(names))

    def payload(
        self, context: EventContext, tenant: Tenant, kinds: EventNames, reader: Actor
    ) -> WebhookPayload | None:
        """The event; None outside of any inbox, or when the conversation was taken away."""
        c, around = context.conversation_then, context.related
        inbox = around.inboxes.get((c.inbox_id if c else None) or "")
        name = _name(context, kinds)
        if c is None or inbox is None or c.removed_at is not None or name is None:
            return None
        scene = wire_hooks.Scene(tenant, inbox, c, around.people, self._base_url)
        if not context.event.kind.startswith("message."):
            change = context.change if context.event.kind == "conversation.updated" else None
            return _told(name, wire_hooks.conversation_event(name, scene, change))
        said = context.message
        return None if said is None else _told(name, wire_hooks.message_event(name, scene, said))

    def ping(self, tenant: Tenant, now: int) -> WebhookPayload:
        """An event that nothing happened."""
        return _told(PING, {"event": PING, "account": wire_hooks.account(tenant)})

    def signatures(
        self, secrets: Sequence[str], event_id: str, now_s: int, body: bytes
    ) -> Mapping[str, str]:
        """`X-Chatwoot-Signature` over the time and the body, its key the secret as it was shown;
        the delivery's UUID is the event's, so it is the same at each try (D)."""
        signed = f"{now_s}.".encode() + body
        found = hmac.digest(secrets[0].encode(), signed, sha256).hex()
        return {
            "X-Chatwoot-Timestamp": str(now_s),
            "X-Chatwoot-Signature": f"sha256={found}",
            "X-Chatwoot-Delivery": str(UUID(event_id.removeprefix("evt_"))),
        }


def _name(happening: EventContext, kinds: EventNames) -> str | None:
    """A change of status has a name of its own; not asked for, it is an update."""
    names = _OF.get(happening.event.kind, ())
    if _STATUS in names and "status" not in happening.change.changed:
        names = ("conversation_updated",)
    return next((name for name in names if not kinds or name in kinds), None)


def _told(name: str, body: object) -> WebhookPayload:
    return WebhookPayload(name, msgspec.json.encode(body))
