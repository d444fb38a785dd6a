"""PostgreSQL: the implementation of `store.core.db`."""

from koine.store.postgres.database import PostgresDatabase

__all__ = ["PostgresDatabase"]
