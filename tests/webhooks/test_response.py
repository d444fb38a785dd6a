"""The outcome of an attempt, from the endpoint's response."""

import pytest

from koine.kit.outbound import Response
from koine.kit.times import SECOND
from koine.webhooks.response import LONGEST_WAIT_S, classify

NOW = 1_795_176_000 * SECOND  # 2026-11-20T12:00:00Z


def reply(status: int, retry_after: str = "") -> Response:
    return Response(status, {"retry-after": retry_after} if retry_after else {}, b"", 1)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "delivered"), (201, "delivered"), (204, "delivered"), (299, "delivered"),
        (301, "retry"), (302, "retry"), (307, "retry"), (304, "retry"), (400, "retry"),
        (401, "retry"), (404, "retry"), (410, "gone"), (429, "retry"), (500, "retry"),
        (503, "retry"), (199, "retry"), (600, "retry"),
    ],
)  # fmt: skip
def test_the_outcome_depends_on_the_status(status: int, outcome: str) -> None:
    assert classify(reply(status), NOW).outcome == outcome


@pytest.mark.parametrize(
    ("status", "asked", "seconds"),
    [
        (429, "120", 120),
        (503, "0", 0),
        (503, "99999999999999", LONGEST_WAIT_S),
        (429, "Fri, 20 Nov 2026 13:00:00 GMT", 3600),
        (429, "Fri, 20 Nov 2020 13:00:00 GMT", 0),
        (429, "Fri, 20 Nov 9999 13:00:00 GMT", LONGEST_WAIT_S),
    ],
)
def test_retry_after_is_parsed(status: int, asked: str, seconds: int) -> None:
    assert classify(reply(status, asked), NOW).not_before == NOW + seconds * SECOND


@pytest.mark.parametrize(
    ("status", "asked"),
    [(429, "soon"), (429, ""), (429, "-5"), (500, "120"), (404, "120"), (429, "٣")],
)
def test_an_invalid_retry_after_is_ignored(status: int, asked: str) -> None:
    assert classify(reply(status, asked), NOW).not_before == 0
