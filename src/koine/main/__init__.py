"""Put the floors together and serve them: one process, or several on one PostgreSQL."""

from koine.main.speaking import application, dialects

__all__ = ["application", "dialects"]
