"""How a dispatcher's claims are shared: no tenant and no endpoint takes them all.

A tenant may hold at most half of what the others leave it, and an endpoint at most half of what the
other endpoints of its tenant leave it of that. So however slowly the endpoints of one tenant
respond, the next tenant still finds half of the rest free, and so does the next endpoint. A fixed
share for each would leave claims unused when few tenants have deliveries.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from koine.model.webhook import EndpointKey, TenantEndpoint
from koine.webhooks.endpoint_queue import EndpointQueue


class ClaimShares:
    """The shares of one turn. Of `total` claims some are held; `free` may be taken in this turn."""

    def __init__(
        self,
        total: int,
        free: int,
        held: Mapping[EndpointKey, EndpointQueue],
        due: Iterable[TenantEndpoint],
    ) -> None:
        self._limit = total
        self._free = free
        self._held = Counter[str]()
        for key, queue in held.items():
            self._held[key.tenant_id] += queue.held
        self._all_held = self._held.total()
        self._waiting = Counter(endpoint.tenant_id for endpoint in due)
        self._turn = max(free // max(len(self._waiting), 1), 1)

    def allowed(self, key: EndpointKey, queue: EndpointQueue) -> int:
        """How many claims the endpoint may hold at most, including those it holds."""
        tenant_id = key.tenant_id
        by_tenant = self._held[tenant_id]
        of_tenant = _half(self._limit - (self._all_held - by_tenant))
        return max(_half(of_tenant - (by_tenant - queue.held)), 0)

    def take(self, key: EndpointKey, queue: EndpointQueue, wanted: int) -> int:
        """How many claims, of the `wanted`, the endpoint gets in this turn. They count as held."""
        tenant_id = key.tenant_id
        left_by_others = self._limit - self._all_held + self._held[tenant_id]
        left = max(_half(left_by_others) - self._held[tenant_id], 0)
        turn = max(min(self._turn, left) // self._waiting[tenant_id], 1)
        capacity = max(self.allowed(key, queue) - queue.held, 0)
        taken = min(wanted, turn, left, capacity, self._free)
        self._free -= taken
        self._held[tenant_id] += taken
        self._all_held += taken
        return taken


def _half(number: int) -> int:
    """Half, rounded up: the last free claim can be taken."""
    return (number + 1) // 2
