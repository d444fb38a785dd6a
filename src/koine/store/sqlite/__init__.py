"""SQLite behind the door of `store.db`."""

from koine.store.sqlite.database import SqliteDatabase

__all__ = ["SqliteDatabase"]
