"""Webhooks: rows derived from the log, claimed, signed, posted, and tried again."""

from koine.webhooks.worker import WebhookWorker

__all__ = ["WebhookWorker"]
