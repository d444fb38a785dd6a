"""Sends to all endpoints through one small pool, and never opens a circuit breaker."""

import asyncio

from koine.kit.outbound import OutboundClient, Request, Response
from koine.server import run
from koine.webhooks import circuit_breaker

POOL = asyncio.Semaphore(4)
_send_without_limit = OutboundClient.send


async def send(self: OutboundClient, request: Request) -> Response:
    """A request to a dead endpoint occupies a place of the pool until its timeout."""
    async with POOL:
        return await _send_without_limit(self, request)


vars(circuit_breaker)["OPENS_AFTER"] = 10**9
setattr(OutboundClient, "send", send)  # noqa: B010  a method may not be assigned to

if __name__ == "__main__":
    run.main()
