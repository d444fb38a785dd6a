"""Failed logins in the audit log: few entries for many failures.

Anyone may fail to log in as anyone, as often as the rate limits allow, and must not be able to fill
the log. So failures are summed up. A user's first failure is written at once; those of the next ten
minutes are counted, and the next entry has their number. A tenant gets a limited number of entries
an hour. Failures that are counted but not written come with the user's next entry, which may be
that of a successful login.
"""

from collections import OrderedDict

from msgspec import Struct

from koine.kit.times import HOUR, MINUTE

SUMMARY_INTERVAL = 10 * MINUTE
"""For how long a user's failures are summed up in one entry, µs."""
_MOST_USERS = 10_000
_MOST_TENANTS = 10_000


class _Failures(Struct):
    """The failures of one user: when the last entry was written, and how many came after it."""

    written_at: int | None = None
    counted: int = 0


class FailedLogins:
    """What one process has counted, in bounded memory."""

    def __init__(self, entries_per_hour: int) -> None:
        """`entries_per_hour` is how many this process may write into a tenant's audit log."""
        self._per_hour = entries_per_hour
        self._users: OrderedDict[tuple[str, str], _Failures] = OrderedDict()
        self._tenants: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def failed(self, tenant_id: str, user_id: str, now: int) -> int:
        """Count a failure. Returns how many an audit entry is to be written of now, 0 for none."""
        key = tenant_id, user_id
        known = self._users.setdefault(key, _Failures())
        self._users.move_to_end(key)
        if len(self._users) > _MOST_USERS:
            self._users.popitem(last=False)
        known.counted += 1
        recent = known.written_at is not None and now - known.written_at < SUMMARY_INTERVAL
        if recent or not self._has_room(tenant_id, now):
            return 0
        known.written_at, count, known.counted = now, known.counted, 0
        return count

    def passed(self, tenant_id: str, user_id: str) -> int:
        """The user has logged in. Returns how many failures are in no audit entry yet."""
        known = self._users.pop((tenant_id, user_id), None)
        return known.counted if known else 0

    def _has_room(self, tenant_id: str, now: int) -> bool:
        hour = now // HOUR
        then, written = self._tenants.get(tenant_id, (hour, 0))
        written = written if then == hour else 0
        if written >= self._per_hour:
            return False
        self._tenants[tenant_id] = hour, written + 1
        self._tenants.move_to_end(tenant_id)
        if len(self._tenants) > _MOST_TENANTS:
            self._tenants.popitem(last=False)
        return True
