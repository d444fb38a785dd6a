"""Which of a tenant's agents are there, as contacts are told: found out once for many readers."""

import msgspec

from koine.dialects.inbox.realtime.schemas import AVAILABLE
from koine.engine.auth import presence_access
from koine.kit.cache import TTLCache
from koine.kit.times import SECOND
from koine.model.actor import Actor
from koine.realtime.realtime import Realtime

_CACHE_TTL = SECOND
_encode = msgspec.json.encode


class AgentPresence:
    """One for each process."""

    def __init__(self) -> None:
        self._users: TTLCache[tuple[str, int], msgspec.Raw] = TTLCache(10_000)

    async def online_users(self, relay: Realtime, actor: Actor) -> msgspec.Raw:
        """The agents who are there, `{"<id>": "online" | "busy"}` as JSON. Raises Unavailable."""
        tenant_id, now = actor.tenant_id, relay.engine.clock.now()
        key = (tenant_id, relay.presence.revision(tenant_id))
        known = self._users.get(key, now)
        if known is None:
            there = relay.presence.online(tenant_id, "user")
            staff = await presence_access.staff(relay.engine, actor, list(there))
            users = {str(each.number): AVAILABLE[there[each.id]] for each in staff}
            known = msgspec.Raw(_encode(users))
            self._users.put(key, known, now + _CACHE_TTL)
        return known
