"""Webhook payloads in the format of this API: the data that `GET` would return."""

from collections.abc import Mapping, Sequence
from typing import get_args

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from koine.dialects.native.realtime import render
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.event import EventKind, LoggedEvent
from koine.model.event_context import EventContext
from koine.model.tenant import Tenant
from koine.model.webhook import WebhookPayload
from koine.model.webhook_format import EventNames

_REMOVED_KINDS = {
    "conversation": render.CONVERSATION_REMOVED,
    "participant": render.CONVERSATION_REMOVED,
    "message": render.CONVERSATION_REMOVED,
    "inbox": "inbox.removed",
}
"""The name of an event whose subject was removed, by what stands before the dot of its kind."""
KINDS: tuple[str, ...] = (*get_args(EventKind), *dict.fromkeys(_REMOVED_KINDS.values()))
PING = "ping"
_object_decoder = msgspec.json.Decoder(dict[str, object])


class Body(Struct, frozen=True, kw_only=True):
    """The body of a request. `timestamp` is the time of the event; `data` its subjects as they are
    now."""

    type: str
    timestamp: str
    conversation_id: str | None | UnsetType = UNSET
    seq: int | None | UnsetType = UNSET
    data: object


class NativeWebhookFormat:
    """The `WebhookFormat` of the native API. Links to files begin with `base_url`."""

    kinds = KINDS
    header_prefixes: tuple[str, ...] = ()

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def may_match(self, event: LoggedEvent, kinds: EventNames) -> bool:
        """Under its own name, or as `….removed`, which depends on its subject."""
        if not kinds or event.kind in kinds:
            return True
        return _REMOVED_KINDS.get(event.kind.partition(".")[0]) in kinds

    def payload(
        self, context: EventContext, tenant: Tenant, kinds: EventNames, reader: Actor
    ) -> WebhookPayload | None:
        """The event with its subjects; None when they do not exist any more."""
        event, kind = context.event, render.event_kind(context, reader)
        if kinds and kind not in kinds:
            return None
        # Bodies are stored, and may be read by people without access to settings.
        view = structs.replace(render.event_view(context, kind, reader), settings=False)
        data: object
        if event.kind == "webhook.disabled":
            data = {"webhook_id": event.subject_id, **_object_decoder.decode(event.body)}
        elif (data := render.render_data(context, view, self._base_url, None)) is None:
            return None
        body = Body(
            type=kind,
            timestamp=iso_ms(event.created_at),
            conversation_id=event.conversation_id,
            seq=event.seq,
            data=data,
        )
        return WebhookPayload(kind, msgspec.json.encode(body))

    def ping(self, tenant: Tenant, now: int) -> WebhookPayload:
        """A test event, which belongs to no event of the log."""
        data = {"tenant_id": tenant.id, "tenant": tenant.slug}
        body = Body(type=PING, timestamp=iso_ms(now), data=data)
        return WebhookPayload(PING, msgspec.json.encode(body))

    def signatures(
        self, secrets: Sequence[str], event_id: str, now_s: int, body: bytes
    ) -> Mapping[str, str]:
        """None besides the headers of Standard Webhooks."""
        return {}
