"""/livez: the event loop runs. /readyz: the process can serve requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_log = structlog.get_logger("koine.http")
_JSON = "application/json"


@dataclass(frozen=True)
class Check:
    """The result of one readiness check; `reason` says, without secrets, why it failed."""

    name: str
    ok: bool
    reason: str = ""


ReadinessChecks = Callable[[], Awaitable[Sequence[Check]]]


def routes(ready: ReadinessChecks | None) -> list[Route]:
    """Give /livez and /readyz; without `ready` the process is always ready."""

    async def readyz(_request: Request) -> Response:
        checks = await _run(ready)
        ok = all(check.ok for check in checks)
        body = {"status": "ok" if ok else "unavailable", "checks": checks}
        return Response(msgspec.json.encode(body), 200 if ok else 503, media_type=_JSON)

    return [Route("/livez", _livez), Route("/readyz", readyz)]


async def _livez(_request: Request) -> Response:
    return Response(b'{"status":"ok"}', media_type=_JSON)


async def _run(ready: ReadinessChecks | None) -> Sequence[Check]:
    if ready is None:
        return []
    try:
        return await ready()
    except Exception:
        _log.error("the readiness checks crashed", exc_info=True)
        return [Check("checks", False, "the checks themselves failed")]
