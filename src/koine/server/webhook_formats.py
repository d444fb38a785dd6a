"""The webhook format of every dialect that has one."""

from koine.dialects.helpdesk.webhooks.format import HelpdeskWebhookFormat
from koine.dialects.inbox.webhooks.format import InboxWebhookFormat
from koine.dialects.native.webhooks.format import NativeWebhookFormat
from koine.model.webhook_format import WebhookFormats


def webhook_formats(base_url: str) -> WebhookFormats:
    """The formats by dialect; links to files begin with `base_url`."""
    return {
        "native": NativeWebhookFormat(base_url),
        "helpdesk": HelpdeskWebhookFormat(),
        "inbox": InboxWebhookFormat(base_url),
    }
