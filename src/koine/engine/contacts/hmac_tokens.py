"""The HMAC tokens of inboxes, by which tenants prove who their contacts are (inbox.md).

They are stored encrypted. After a rotation the token before is valid, too, for a time.
"""

from typing import TypedDict

from msgspec import structs

from koine.engine.auth import access
from koine.engine.core.encryption import SealingKeys
from koine.engine.core.operations import write_tx
from koine.engine.core.recorder import record_audit, record_event
from koine.kit.times import HOUR
from koine.kit.tokens import random_token
from koine.model.actor import Actor
from koine.model.errors import NotFound
from koine.model.inbox import Inbox
from koine.model.permissions import MANAGE_TENANT
from koine.store.contacts import inboxes
from koine.store.core.db import Tx

TOKEN_BYTES = 24
"""192 random bits."""
OLD_TOKEN_HOURS = 24
"""By default, for how long a replaced token is still valid, beside the new one."""
MAX_OVERLAP_HOURS = 168


class SealedColumns(TypedDict):
    """The columns of an inbox that hold its token."""

    hmac_token: str
    sealed_hmac_token: bytes


def newest_token(keys: SealingKeys, inbox: Inbox) -> str | None:
    """The token in clear text; None if no key of the server opens it."""
    if inbox.sealed_hmac_token is None:
        return inbox.hmac_token
    return _opened(keys, inbox.sealed_hmac_token)


def valid_tokens(keys: SealingKeys, inbox: Inbox, now: int) -> tuple[str, ...]:
    """The tokens that prove a contact at this time (µs), the newest first."""
    found = [newest_token(keys, inbox)]
    if inbox.old_hmac_token is not None and (inbox.old_hmac_token_until or 0) > now:
        found.append(_opened(keys, inbox.old_hmac_token))
    return tuple(each for each in found if each is not None)


def sealed_columns(keys: SealingKeys, token: str) -> SealedColumns:
    """The columns of an inbox with this token. A node of the version before reads `hmac_token`,
    where nothing must be that anybody could guess."""
    return {
        "hmac_token": random_token(TOKEN_BYTES),
        "sealed_hmac_token": keys.encrypt(token.encode()),
    }


@write_tx
async def rotate(
    tx: Tx,
    now: int,
    actor: Actor,
    keys: SealingKeys,
    inbox_id: str,
    hours: int = OLD_TOKEN_HOURS,
) -> Inbox:
    """Give an inbox a new token; for some hours the old one is valid, too (0: it is not). One that
    no key opens is dropped. Raises Forbidden, NotFound."""
    access.require(actor, MANAGE_TENANT)
    before = await inboxes.lock(tx, inbox_id)
    if before is None or before.removed_at is not None:
        raise NotFound("inbox")
    replaced = newest_token(keys, before) if hours else None
    after = structs.replace(
        before,
        **sealed_columns(keys, random_token(TOKEN_BYTES)),
        old_hmac_token=None if replaced is None else keys.encrypt(replaced.encode()),
        old_hmac_token_until=None if replaced is None else now + hours * HOUR,
        updated_at=now,
    )
    await inboxes.change(tx, after)
    await record_audit(tx, now, actor, "rotate", "inbox", inbox_id, overlap_hours=hours)
    await record_event(tx, now, "inbox.updated", inbox_id)
    return after


def _opened(keys: SealingKeys, sealed: bytes) -> str | None:
    try:
        return keys.decrypt(sealed).decode()
    except ValueError:
        return None
