"""The secrets in a tenant's rows: opened for an archive, sealed with the key of another server."""

from typing import Any

import msgspec
from msgspec import structs

from koine.engine.archive.format import LeftOut
from koine.engine.contacts import hmac_tokens
from koine.engine.core.encryption import SealingKeys
from koine.kit import webhook_signature
from koine.kit.json import json_text
from koine.kit.tokens import random_token
from koine.model.tenant import Tenant, TenantSettings
from koine.store.archive.columns import ArchivedTable

NOT_WANTED = "left out: give a passphrase, or --with-secrets"
OTHER_KEY = "cannot be opened: it was sealed with another server key"
_TOKEN = "sealed_hmac_token"
_SHARED = "HS256"
"""The algorithm whose key is a secret that the tenant's issuer shares with this server."""


def open_secrets(
    of: ArchivedTable, rows: list[Any], keys: SealingKeys, wanted: bool
) -> list[LeftOut]:
    """Put the plain secrets into rows, or None; returns those that are left out."""
    clear: dict[str, bytes] = {}
    if of.name == "inboxes":
        clear = {row.id: token for row in rows if (token := _clear_token(row)) is not None}
    lost: list[LeftOut] = []
    for name in of.of_kind("sealed"):
        for row in rows:
            value = getattr(row, name)
            is_clear = name == _TOKEN and row.id in clear
            if value is None and not is_clear:
                continue
            reason = "" if wanted else NOT_WANTED
            if wanted:
                try:
                    value = clear[row.id] if is_clear else keys.decrypt(value)
                except ValueError:
                    reason = OTHER_KEY
            setattr(row, name, None if reason else value)
            if reason:
                lost.append(LeftOut(of.name, name, row.id, reason))
    return lost


def seal_secrets(of: ArchivedTable, row: Any, keys: SealingKeys) -> None:
    """Seal the secrets of a row of an archive. One that is needed and is not there is made anew."""
    for name in of.of_kind("sealed"):
        if (value := getattr(row, name)) is not None:
            setattr(row, name, keys.encrypt(value))
    if of.name == "webhook_endpoints" and row.secret is None:
        row.secret = keys.encrypt(webhook_signature.new_secret().encode())
    if of.name == "inboxes":
        token = hmac_tokens.sealed_columns(keys, random_token(hmac_tokens.TOKEN_BYTES))
        row.hmac_token = token["hmac_token"]
        if row.sealed_hmac_token is None:
            row.sealed_hmac_token = token["sealed_hmac_token"]


def without_shared_key(tenant: Tenant) -> tuple[Tenant, list[LeftOut]]:
    """The tenant without its token issuer where that shares a secret with this server."""
    settings = msgspec.json.decode(tenant.settings, type=TenantSettings)
    issuer = settings.token_issuer
    if issuer is None or issuer.algorithm != _SHARED:
        return tenant, []
    kept = structs.replace(settings, token_issuer=None)
    lost = LeftOut("tenants", "token_issuer", tenant.id, NOT_WANTED)
    return structs.replace(tenant, settings=json_text(kept)), [lost]


def _clear_token(inbox: Any) -> bytes | None:
    """The HMAC token of an inbox that an older Koine made; the column is left out in any case."""
    clear: str | None = inbox.hmac_token
    inbox.hmac_token = None
    return None if clear is None or inbox.sealed_hmac_token is not None else clear.encode()
