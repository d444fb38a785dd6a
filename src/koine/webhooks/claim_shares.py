"""How the claims a sender may hold are shared out: no tenant and no endpoint takes them all.

A tenant may hold at most half of what the others leave it, and an endpoint at most half of what the
others of its tenant leave it there. So however slowly the endpoints of one tenant answer, and with
whatever success, the next tenant still finds half of the rest, and so does the next endpoint.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from koine.model.webhook import EndpointKey, TenantEndpoint
from koine.webhooks.endpoint_queue import EndpointQueue


class ClaimShares:
    """One look at what may be claimed: of `whole` claims, some are held, `hands` are free now."""

    def __init__(
        self,
        whole: int,
        hands: int,
        held: Mapping[EndpointKey, EndpointQueue],
        found: Iterable[TenantEndpoint],
    ) -> None:
        self._whole = whole
        self._hands = hands
        self._held = Counter[str]()
        for place, line in held.items():
            self._held[place.tenant_id] += line.held
        self._total = self._held.total()
        self._asking = Counter(hook.tenant_id for hook in found)
        self._turn = max(hands // max(len(self._asking), 1), 1)

    def allowed(self, place: EndpointKey, line: EndpointQueue) -> int:
        """How many claims the endpoint may hold at most, those it holds among them."""
        tenant_id = place.tenant_id
        theirs = self._held[tenant_id]
        most = _half(self._whole - (self._total - theirs))
        return max(_half(most - (theirs - line.held)), 0)

    def take(self, place: EndpointKey, line: EndpointQueue, wanted: int) -> int:
        """How many of those it wants the endpoint may claim in this turn; they count as held."""
        tenant_id = place.tenant_id
        theirs = self._whole - self._total + self._held[tenant_id]
        left = max(_half(theirs) - self._held[tenant_id], 0)
        turn = max(min(self._turn, left) // self._asking[tenant_id], 1)
        room = max(self.allowed(place, line) - line.held, 0)
        found = min(wanted, turn, left, room, self._hands)
        self._hands -= found
        self._held[tenant_id] += found
        self._total += found
        return found


def _half(number: int) -> int:
    """Half, rounded up: the last one free is somebody's."""
    return (number + 1) // 2
