"""Webhooks: rows derived from the log, claimed, signed, posted, and tried again."""

from koine.relay.hooks.hooks import WebhookWorker

__all__ = ["WebhookWorker"]
