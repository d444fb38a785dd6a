"""How many bytes of answers a caller's and a tenant's Idempotency-Keys may keep in a day, counted
by each process.

Above it the key is still kept, but not its answer: nothing is ever done twice for it.
"""

from __future__ import annotations

from koine.kit.lru import TimedCache
from koine.kit.settings import Settings
from koine.kit.times import DAY
from koine.model.actor import Actor

_MOST = 20_000
"""Callers and tenants remembered; beyond, the least recent are forgotten and begin at zero."""

_Key = tuple[str, str]


class AnswerBudgets:
    """Counts what is kept. Half of a tenant's budget is for all its contacts together, who are
    anonymous; the other half for its users and keys."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._callers: TimedCache[_Key, tuple[int, int]] = TimedCache(_MOST)
        self._tenants: TimedCache[_Key, tuple[int, int]] = TimedCache(_MOST)

    def take(self, actor: Actor, size: int, now: int) -> bool:
        """Whether an answer of `size` bytes may be kept `now` (µs); if so, it counts."""
        of = self._settings
        if size > of.kept_answer_limit:
            return False
        kind = "contacts" if actor.kind == "contact" else ""
        caller, tenant = (actor.tenant_id, actor.caller), (actor.tenant_id, kind)
        by_caller, until = self._callers.get(caller, now) or (0, now + DAY)
        in_tenant, tenant_until = self._tenants.get(tenant, now) or (0, now + DAY)
        budget = of.kept_answers_per_tenant // 2
        if by_caller + size > of.kept_answers_per_caller or in_tenant + size > budget:
            return False
        self._callers.put(caller, (by_caller + size, until), until)
        self._tenants.put(tenant, (in_tenant + size, tenant_until), tenant_until)
        return True
