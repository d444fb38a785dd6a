"""Webhooks: rows derived from the log, claimed, signed, posted, and tried again."""

from koine.relay.hooks.hooks import Hooks

__all__ = ["Hooks"]
