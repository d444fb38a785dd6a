"""Webhooks: deliveries are planned from the event log, claimed, signed, sent and retried."""

from koine.webhooks.service import WebhookService

__all__ = ["WebhookService"]
