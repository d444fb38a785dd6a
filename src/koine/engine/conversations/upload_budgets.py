"""How many bytes may be uploaded: by a contact and through an inbox in a day, by a tenant in all.

A day is one of UTC. What is spent stands in the counters: the bytes of a day, and which day it was;
a tenant's bytes are what its files have now, so that deleting makes room.
"""

from msgspec import Struct

from koine.kit.limit_settings import LimitSettings
from koine.kit.times import DAY, HOUR, SECOND
from koine.model.errors import TooMany
from koine.store.conversations import counters, files
from koine.store.core.db import Tx


class Uploader(Struct, frozen=True):
    """Who uploads, and through which inbox."""

    contact_id: str
    inbox_id: str


async def check(tx: Tx, now: int, limits: LimitSettings, by: Uploader | None, size: int) -> None:
    """Raise TooMany when `size` bytes more are over a budget `now` (µs)."""
    await _changes(tx, now, limits, by, size)


async def charge(tx: Tx, now: int, limits: LimitSettings, by: Uploader | None, size: int) -> None:
    """Count `size` bytes. Raises TooMany. One at a time in a tenant: whoever calls it holds the
    counter of its files."""
    await counters.add(tx, await _changes(tx, now, limits, by, size))


async def _changes(
    tx: Tx, now: int, limits: LimitSettings, by: Uploader | None, size: int
) -> dict[str, int]:
    budgets = {}
    if by is not None:
        budgets[f"uploads:contact:{by.contact_id}"] = limits.upload_budget_per_contact
        budgets[f"uploads:inbox:{by.inbox_id}"] = limits.upload_budget_per_inbox
    before = await counters.values(
        tx, [files.TOTAL, *budgets, *[f"{name}:day" for name in budgets]]
    )
    changes = {files.TOTAL: size}
    if 0 < limits.upload_budget_per_tenant < before.get(files.TOTAL, 0) + size:
        raise TooMany(HOUR // SECOND, "bytes of uploads of this tenant")
    today = now // DAY
    for name, budget in budgets.items():
        day, spent = before.get(f"{name}:day", 0), before.get(name, 0)
        today_spent = spent if day == today else 0
        if 0 < budget < today_spent + size:
            raise TooMany(((today + 1) * DAY - now) // SECOND + 1, "bytes of uploads in a day")
        changes[name] = today_spent + size - spent
        changes[f"{name}:day"] = today - day
    return changes
