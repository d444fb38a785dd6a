"""Which of a tenant's agents are online, as contacts are shown them: read once for many streams."""

import msgspec

from koine.dialects.inbox.realtime.render import AVAILABILITIES
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
        self._by_revision: TTLCache[tuple[str, int], msgspec.Raw] = TTLCache(10_000)

    async def online_users(self, realtime: Realtime, actor: Actor) -> msgspec.Raw:
        """The agents who are online, `{"<id>": "online" | "busy"}` as JSON. Raises Unavailable."""
        tenant_id, now = actor.tenant_id, realtime.engine.clock.now()
        key = (tenant_id, realtime.presence.revision(tenant_id))
        cached = self._by_revision.get(key, now)
        if cached is None:
            online = realtime.presence.online(tenant_id, "user")
            staff = await presence_access.staff(realtime.engine, actor, list(online))
            users = {str(each.number): AVAILABILITIES[online[each.id]] for each in staff}
            cached = msgspec.Raw(_encode(users))
            self._by_revision.put(key, cached, now + _CACHE_TTL)
        return cached
