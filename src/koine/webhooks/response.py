"""What a receiver's response means for a delivery. Pure; the only place below `http` that reads
status codes, since here the server is the client."""

from email.utils import parsedate_to_datetime
from typing import Literal

from msgspec import Struct

from koine.kit.outbound import Response
from koine.kit.times import SECOND

Outcome = Literal["delivered", "retry", "refused", "gone"]
LONGEST_WAIT_S = 24 * 3600
_GONE = 410
_WAIT = (429, 503)


class ResponseClass(Struct, frozen=True):
    """`refused` is final. `reason` says why the delivery failed; the next attempt may not be made
    before `not_before` (µs)."""

    outcome: Outcome
    reason: str | None = None
    not_before: int = 0


def classify(reply: Response, now: int) -> ResponseClass:
    """Classify a response that came at `now` (µs)."""
    status = reply.status
    if 200 <= status < 300:
        return ResponseClass("delivered")
    if status == _GONE:
        return ResponseClass("gone", f"the receiver returned {status}: it wants no more events")
    if 300 <= status < 400:
        return ResponseClass("retry", f"the receiver returned {status}: redirects are not followed")
    not_before = _asked(reply.headers.get("retry-after", ""), now) if status in _WAIT else 0
    return ResponseClass("retry", f"the receiver returned {status}", not_before)


def _asked(text: str, now: int) -> int:
    """The time of a `Retry-After`: seconds from now or a date, at most a day ahead."""
    if text.isascii() and text.isdigit():
        seconds = int(text[:9])
    else:
        try:
            seconds = int(parsedate_to_datetime(text).timestamp()) - now // SECOND
        except (ValueError, TypeError, OverflowError):
            return 0
    return now + min(max(seconds, 0), LONGEST_WAIT_S) * SECOND
