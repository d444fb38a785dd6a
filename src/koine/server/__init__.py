"""The server process: build the application, serve it, shut it down; in one or more processes."""

from koine.server.app import create_app, dialects

__all__ = ["create_app", "dialects"]
