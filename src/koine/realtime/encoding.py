"""Encodes an event once for all readers that receive the same bytes.

`Reader.view` says which variant a reader receives. `EventEncoder.encode` gets that view and never
the reader, so bytes that are shared by readers with equal views cannot contain anything of only one
of them.
"""

from collections.abc import Hashable

import structlog

from koine.engine.auth.visibility import can_receive, can_receive_presence, can_receive_typing
from koine.model.event_context import EventContext
from koine.realtime.reader import EphemeralEvent, EventEncoder, Reader

Encoded = dict[tuple[EventEncoder, Hashable], bytes | None]
_NOT_YET = b"not encoded yet"
_log = structlog.get_logger("koine.realtime")


class EventEncodings:
    """One event of the log, with the bytes it was encoded to so far."""

    def __init__(self, context: EventContext) -> None:
        self._context = context
        self._encoded: Encoded = {}
        self._failed = False

    def for_reader(self, reader: Reader) -> bytes | None:
        """The bytes for this reader; None for nothing. An event that cannot be encoded is logged
        and skipped: it must not stop the events behind it."""
        try:
            if not can_receive(reader.actor, self._context):
                return None
            view = reader.view(self._context)
            if view is None:
                return None
            key = (reader.encoder, view)
            if (encoded := self._encoded.get(key, _NOT_YET)) is _NOT_YET:
                encoded = reader.encoder.encode(self._context, view)
                self._encoded[key] = encoded
            return encoded
        except Exception:
            if not self._failed:
                event_id = self._context.event.id
                _log.error(
                    "an event could not be encoded and was skipped",
                    event_id=event_id,
                    exc_info=True,
                )
            self._failed = True
            return None


class EphemeralEncodings:
    """As `EventEncodings`, of an ephemeral event. `conversation` is its conversation as it is now,
    if it has one. Raises what an encoder raises."""

    def __init__(self, ephemeral: EphemeralEvent, conversation: EventContext | None) -> None:
        self._ephemeral = ephemeral
        self._conversation = conversation
        self._encoded: Encoded = {}

    def for_reader(self, reader: Reader) -> bytes | None:
        """The bytes for this reader; None for nothing."""
        ephemeral, conversation = self._ephemeral, self._conversation
        if conversation is None:
            may = can_receive_presence(reader.actor)
        else:
            may = can_receive_typing(reader.actor, conversation, ephemeral.private)
        view = reader.ephemeral_view(ephemeral, conversation) if may else None
        if view is None:
            return None
        key = (reader.encoder, view)
        if key not in self._encoded:
            self._encoded[key] = reader.encoder.encode_ephemeral(ephemeral, conversation, view)
        return self._encoded[key]
