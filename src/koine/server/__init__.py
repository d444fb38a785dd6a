"""Put the floors together and serve them: one process, or several on one PostgreSQL."""

from koine.server.app import create_app, dialects

__all__ = ["create_app", "dialects"]
