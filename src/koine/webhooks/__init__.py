"""Webhooks: deliveries are planned from the event log, claimed, signed, sent and retried."""

from koine.webhooks.worker import WebhookWorker

__all__ = ["WebhookWorker"]
