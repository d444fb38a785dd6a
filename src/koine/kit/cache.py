"""A cache whose entries expire. Not thread-safe."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TTLCache(Generic[K, V]):
    """Keeps at most `max_items`; the least recently used is dropped first. Times are µs."""

    def __init__(self, max_items: int) -> None:
        self.max_items = max_items
        self._items: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: K, now: int) -> V | None:
        """The value of `key`, or None when there is none or it has expired."""
        found = self._items.get(key)
        if found is None:
            return None
        value, expires_at = found
        if expires_at <= now:
            del self._items[key]
            return None
        self._items.move_to_end(key)
        return value

    def put(self, key: K, value: V, expires_at: int) -> None:
        """Set the value of `key` until `expires_at` (exclusive)."""
        self._items[key] = (value, expires_at)
        self._items.move_to_end(key)
        if len(self._items) > self.max_items:
            self._items.popitem(last=False)

    def drop(self, key: K) -> None:
        """Remove `key`, if it is there."""
        self._items.pop(key, None)

    def clear(self) -> None:
        """Remove everything."""
        self._items.clear()
