"""Checks of the values of a webhook endpoint."""

import re

from koine.engine.core.engine import Engine
from koine.kit import webhook_signature
from koine.kit.outbound import Blocked
from koine.model.errors import Invalid
from koine.store.contacts import inboxes
from koine.store.core.db import Tx

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_VALUE = re.compile(r"[\x20-\x7e]{0,2000}")
_RESERVED = re.compile(
    r"webhook-.*|content-.*|host|connection|transfer-encoding|keep-alive|upgrade|expect|te|trailer"
    r"|accept-encoding|proxy-.*",
    re.IGNORECASE,
)
"""Headers that the server sets in each request, in every dialect."""


async def check_url(engine: Engine, url: str) -> None:
    """Raise Invalid("url") for an address that the egress policy forbids."""
    try:
        await engine.outbound.check(url)
    except Blocked as refused:
        raise Invalid("url", "refused", refused.reason) from None


def check_kinds(engine: Engine, dialect: str, kinds: tuple[str, ...]) -> None:
    """Raise Invalid("events") for names of events the dialect does not have."""
    known = engine.webhook_formats[dialect].kinds if dialect in engine.webhook_formats else ()
    unknown = sorted(set(kinds) - set(known))
    if unknown:
        raise Invalid("events", "unknown", f"no such events: {', '.join(unknown)}")


def check_headers(engine: Engine, headers: dict[str, str]) -> None:
    """Raise Invalid("headers") for headers that cannot be sent, or that the server itself sets."""
    formats = engine.webhook_formats.values()
    reserved = tuple(prefix for each in formats for prefix in each.header_prefixes)
    for name, value in headers.items():
        if not is_sendable(name, value):
            raise Invalid("headers", "unfit", "a header's name or value cannot be sent")
        if _RESERVED.fullmatch(name) or name.lower().startswith(reserved):
            raise Invalid("headers", "taken", f"the header {name} is not yours to set")


def is_sendable(name: str, value: str) -> bool:
    """Whether a header has a name and a value that HTTP allows."""
    return bool(_HEADER.fullmatch(name) and _VALUE.fullmatch(value))


def check_secret(secret: str) -> None:
    """Raise Invalid("secret") unless it is a secret of Standard Webhooks: `whsec_` and 24 to 64
    bytes in base64."""
    if not webhook_signature.is_secret(secret):
        raise Invalid("secret", "unfit", "a secret is whsec_ and 24 to 64 bytes in base64")


async def check_inbox_tx(tx: Tx, inbox_id: str | None) -> None:
    """Raise Invalid("inbox_id") unless it is an inbox of the tenant, or None."""
    if inbox_id is None:
        return
    found = await inboxes.get(tx, inbox_id)
    if found is None or found.removed_at is not None:
        raise Invalid("inbox_id", "unknown", "no such inbox")
