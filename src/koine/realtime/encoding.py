"""From an event to bytes, made once for all the readers who are shown it alike.

`Voice.view` says what one reader is shown; `EventEncoder.encode` gets that and never the reader,
so whatever readers with equal views share holds nothing that is one's alone.
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
    """What one event of the log was encoded to."""

    def __init__(self, happening: EventContext) -> None:
        self._happening = happening
        self._encoded: Encoded = {}
        self._failed = False

    def for_reader(self, voice: Reader) -> bytes | None:
        """What this reader is sent; None for nothing. An event that cannot be encoded is logged
        and left out: it must not hold up all that come after it."""
        try:
            if not can_receive(voice.actor, self._happening):
                return None
            view = voice.view(self._happening)
            if view is None:
                return None
            key = (voice.encoder, view)
            if (encoded := self._encoded.get(key, _NOT_YET)) is _NOT_YET:
                encoded = voice.encoder.encode(self._happening, view)
                self._encoded[key] = encoded
            return encoded
        except Exception:
            if not self._failed:
                event_id = self._happening.event.id
                _log.error(
                    "an event could not be encoded and was skipped",
                    event_id=event_id,
                    exc_info=True,
                )
            self._failed = True
            return None


class EphemeralEncodings:
    """As `EventEncodings`, of a whisper; `where` is its conversation as it is now, if it has one.
    Raises what an encoder raises."""

    def __init__(self, whisper: EphemeralEvent, where: EventContext | None) -> None:
        self._whisper = whisper
        self._where = where
        self._encoded: Encoded = {}

    def for_reader(self, voice: Reader) -> bytes | None:
        """What this reader is sent; None for nothing."""
        whisper, where = self._whisper, self._where
        if where is None:
            may = can_receive_presence(voice.actor)
        else:
            may = can_receive_typing(voice.actor, where, whisper.private)
        view = voice.ephemeral_view(whisper, where) if may else None
        if view is None:
            return None
        key = (voice.encoder, view)
        if key not in self._encoded:
            self._encoded[key] = voice.encoder.encode_ephemeral(whisper, where, view)
        return self._encoded[key]
