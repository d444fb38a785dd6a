"""PostgreSQL behind the door of `store.db`."""

from koine.store.postgres.database import PostgresDatabase

__all__ = ["PostgresDatabase"]
