"""Checks of the rows of an archive, beyond their types: whatever other code takes for granted, as
only Koine writes rows. The author of an archive may be hostile, and some work is done for all
tenants at once: a row that stops it would stop it for every tenant.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from koine.engine import tenants
from koine.engine.contacts.rules import ContactSettings
from koine.engine.conversations.files import KEY, is_media_type
from koine.engine.verification.passwords import is_affordable
from koine.engine.webhooks.validation import is_sendable
from koine.kit import times
from koine.kit.ids import NIL_ID, canonical_id, is_id
from koine.model.errors import Invalid
from koine.model.event import Change
from koine.model.identity import Claims
from koine.model.inbox import ContactInboxValues, InboxSettings
from koine.model.message import Attachment
from koine.model.personal_data import ErasureCounts
from koine.model.retention import LONGEST_DAYS, SHORTEST_AUDIT_DAYS, RetentionPeriods
from koine.model.tenant import TenantSettings
from koine.store.archive.columns import BY_NAME, TENANT

_MAX_NUMBER = 2**53 - 1
"""What clients can represent."""
_MAX_RETRIES = 1000
"""Of a delivery: a wait grows with them."""
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_TIME = re.compile(r".*_(at|until|since|at_override)")
_HEADER_TEXT = re.compile(r"[\x20-\x7e\x80-\xff\t]*")
_EMPTY = frozenset({"{}", "[]"})

_object = msgspec.json.Decoder(dict[str, Any])
_texts = msgspec.json.Decoder(list[str])
_anything = msgspec.json.Decoder(Any)
_JSON: dict[str, dict[str, msgspec.json.Decoder[Any]]] = {
    TENANT.name: {"settings": msgspec.json.Decoder(TenantSettings)},
    "identities": {
        "permissions": _texts,
        "custom_attributes": _object,
        "additional_attributes": _object,
        "labels": _texts,
        "settings": _object,
        "claims": msgspec.json.Decoder(Claims),
    },
    "responder_versions": {"settings": _object},
    "inboxes": {"settings": msgspec.json.Decoder(InboxSettings)},
    "contact_inboxes": {"given": msgspec.json.Decoder(ContactInboxValues)},
    "api_keys": {"permissions": _texts},
    "conversations": {"metadata": _anything, "custom_attributes": _object, "labels": _texts},
    "messages": {
        "content_attributes": _object,
        "metadata": _anything,
        "attachments": msgspec.json.Decoder(list[Attachment]),
    },
    "events": {"body": _object},
    "webhook_endpoints": {
        "kinds": _texts,
        "permissions": _texts,
        "headers": msgspec.json.Decoder(dict[str, str]),
    },
    "webhook_attempts": {"headers": _anything, "response_headers": _anything},
    "audit": {"detail": _object},
    "idempotency_keys": {"headers": msgspec.json.Decoder(list[tuple[str, str]])},
    "erasures": {"also": _texts, "counts": msgspec.json.Decoder(ErasureCounts)},
}
"""The columns with JSON in them, each with the type that other code decodes."""


class BadRow(ValueError):
    """A row that no Koine wrote; the message says in which column."""


def check_rows(tenant_id: str, table: str, rows: list[Any]) -> None:
    """Raise BadRow for the first row of the tenant that other code could not deal with."""
    numbers, decoders, check = _NUMBERS[table], _JSON.get(table, {}), _SPECIAL.get(table)
    for name, low, high in numbers:
        for row in rows:
            if (value := getattr(row, name)) is not None and not low <= value <= high:
                raise BadRow(f"{name} is out of range")
    if table == "events":
        about = {row.subject_id for row in rows if row.kind.startswith("tenant.")}
        _need(about <= {tenant_id}, "subject_id")
    name = ""
    for row in rows:
        try:
            for name, decoder in decoders.items():
                value = getattr(row, name)
                if value is not None and (value not in _EMPTY or check is not None):
                    decoder.decode(value)
            if check is not None:
                name = "a value"
                check(row)
        except BadRow:
            raise
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError):
            raise BadRow(f"{name} is not what Koine writes") from None


def _need(fits: bool, name: str) -> None:
    if not fits:
        raise BadRow(f"{name} is not what Koine writes")


def _tenant(row: Any) -> None:
    ids = [row.id, *([row.default_responder_id] if row.default_responder_id else [])]
    _need(all(canonical_id(each) == each for each in ids) and row.id != NIL_ID, "id")
    _need(_SLUG.fullmatch(row.slug) is not None, "slug")
    _need(row.number > 0, "number")
    issuer = msgspec.json.decode(row.settings, type=TenantSettings).token_issuer
    try:
        tenants.check_issuer(issuer)
    except Invalid:
        raise BadRow("token_issuer is not what Koine writes") from None


def _identity(row: Any) -> None:
    if row.kind == "contact":
        msgspec.json.decode(row.settings, type=ContactSettings)


def _login(row: Any) -> None:
    _need(is_affordable(row.password_hash), "password_hash")


def _event(row: Any) -> None:
    body = _object.decode(row.body)
    match row.kind:
        case "conversation.updated":
            change = msgspec.json.decode(row.body, type=Change)
            assignees = [each.get("assignee_id") for each in (change.changed, change.previous)]
            then = change.then.assignee_id if change.then is not None else None
            _need(_are_ids([*assignees, then]), "body")
        case "identity.merged":
            _need(is_id(body["merged_id"]), "body")
        case "responder.versioned":
            _need(is_id(body["version"]), "body")
        case "conversation.deleted" | "delivery.saved":
            _need(_are_ids(body.get("members", [])), "body")


def _are_ids(values: Any) -> bool:
    return isinstance(values, list) and all(value is None or is_id(value) for value in values)


def _file(row: Any) -> None:
    # A key is the name of a file in the data folder.
    _need(KEY.fullmatch(row.key) is not None, "key")
    _need(is_media_type(row.content_type), "content_type")


def _message(row: Any) -> None:
    if row.attachments is None:
        return
    for each in _JSON["messages"]["attachments"].decode(row.attachments):
        _need(KEY.fullmatch(each.key) is not None, "attachments")


def _endpoint(row: Any) -> None:
    _need(row.url.startswith(("https://", "http://")), "url")
    for secret in (row.secret, row.old_secret):
        _need(secret is None or secret.decode().isprintable(), "secret")
    if row.headers is not None:
        headers: Mapping[str, str] = _JSON["webhook_endpoints"]["headers"].decode(row.headers)
        _need(all(is_sendable(name, value) for name, value in headers.items()), "headers")


def _inbox(row: Any) -> None:
    for token in (row.sealed_hmac_token, row.old_hmac_token):
        _need(token is None or token.decode().isprintable(), "hmac_token")


def _response(row: Any) -> None:
    _need(row.status is None or 200 <= row.status <= 599, "status")
    if row.headers is not None:
        for pair in _JSON["idempotency_keys"]["headers"].decode(row.headers):
            _need(all(map(_HEADER_TEXT.fullmatch, pair)), "headers")


def _erasure(row: Any) -> None:
    _need(_are_ids(_texts.decode(row.also)), "also")


_SPECIAL: dict[str, Callable[[Any], None]] = {
    TENANT.name: _tenant,
    "identities": _identity,
    "logins": _login,
    "events": _event,
    "files": _file,
    "messages": _message,
    "webhook_endpoints": _endpoint,
    "inboxes": _inbox,
    "idempotency_keys": _response,
    "erasures": _erasure,
}
_BOUNDS: dict[str, tuple[int, int]] = {
    "position": (0, _MAX_NUMBER),
    "after_position": (0, _MAX_NUMBER),
    "messages.number": (0, _MAX_NUMBER),
    **{f"retention_rules.{name}": (0, LONGEST_DAYS) for name in RetentionPeriods.__struct_fields__},
    "retention_rules.audit": (SHORTEST_AUDIT_DAYS, LONGEST_DAYS),
    "webhook_deliveries.attempt": (0, _MAX_RETRIES),
    "webhook_endpoints.max_retries": (0, _MAX_RETRIES),
}


def _bounds(table: str, name: str) -> tuple[str, int, int]:
    if _TIME.fullmatch(name):
        return name, times.EARLIEST, times.LATEST
    low, high = _BOUNDS.get(f"{table}.{name}") or _BOUNDS.get(name) or (-_MAX_NUMBER, _MAX_NUMBER)
    return name, low, high


_NUMBERS = {
    each.name: [_bounds(each.name, name) for name in each.archived_integers()]
    for each in (TENANT, *BY_NAME.values())
}
"""The columns with numbers, with the lowest and the highest that is right."""
