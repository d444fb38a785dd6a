"""What operators see of a route's requests: metrics, span attributes, and the access log."""

from __future__ import annotations

from time import perf_counter

import structlog

from koine.http.request import AnyRequest
from koine.kit import tracing
from koine.kit.metrics import RequestTimes

CLIENT_CLOSED_REQUEST = 499
"""Counted, never sent: the client disconnected before its request was read whole."""

_log = structlog.get_logger("koine.access")


class RequestMetrics:
    """The requests of one route. `route` is its template: a path may contain a secret."""

    def __init__(self, dialect: str, method: str, route: str, *, logged: bool) -> None:
        self.name = f"{method} {route}"
        self._route = route
        self._times = RequestTimes(dialect, method, route)
        self._logged = logged

    def record(self, request: AnyRequest, status: int) -> None:
        """Record one response, just before it is sent."""
        seconds = perf_counter() - request.started
        self._times.observe(status, seconds)
        if tracing.active():
            tracing.set_span_attributes(
                request.log_context() | {"http.response.status_code": status}, status >= 500
            )
        if self._logged:
            _log.info(
                "request",
                address=request.client_ip,
                method=request.method,
                route=self._route,
                status=status,
                ms=round(seconds * 1000, 3),
            )
