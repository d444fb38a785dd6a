"""SQLite: the implementation of `store.core.db`."""

from koine.store.sqlite.database import SqliteDatabase

__all__ = ["SqliteDatabase"]
