"""Webhook endpoints: change, enable, disable, take over.

A change needs all the rights that the endpoint has. An actor that changes its URL, or enables it
again, becomes its owner: from then on the endpoint is sent what the new owner may read. Headers and
secret belong to the origin of the URL: if that changes they are dropped, unless the change has new
ones.
"""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from koine.engine.auth import access
from koine.engine.core.encryption import SealingKeys
from koine.engine.core.engine import Engine
from koine.engine.core.operations import read_tx, write_tx
from koine.engine.core.recorder import record_audit
from koine.engine.webhooks import endpoint_owners as owners
from koine.engine.webhooks.endpoints import OLD_SECRET_HOURS, WRITE, existing, opens, seal_headers
from koine.engine.webhooks.validation import (
    check_headers,
    check_inbox_tx,
    check_kinds,
    check_secret,
    check_url,
)
from koine.kit import webhook_signature
from koine.kit.json import json_text
from koine.kit.outbound import same_origin
from koine.kit.structs import provided_fields
from koine.kit.times import HOUR
from koine.model.actor import Actor
from koine.model.webhook import Backoff, DisableDecision, EndpointKey, WebhookEndpoint
from koine.store.core.db import Tx
from koine.store.events import events
from koine.store.webhooks import endpoints

OFF = {"status": "disabled", "reason": "switched off"}
SHOWN_BACKOFF: Backoff = "exponential"
"""The backoff of an endpoint whose policy only has a number of retries."""


class EndpointChanges(Struct, frozen=True, kw_only=True):
    """What to change of an endpoint; UNSET leaves a field as it is. `active` enables it again, or
    disables it. `secret` is the one to sign with from now on."""

    url: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    inbox_id: str | None | UnsetType = UNSET
    kinds: tuple[str, ...] | UnsetType = UNSET
    headers: dict[str, str] | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    max_retries: int | None | UnsetType = UNSET
    backoff: Backoff | None | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class ChangedEndpoint(Struct, frozen=True):
    """An endpoint after a change, and its secret where that is new, which is returned only here."""

    endpoint: WebhookEndpoint
    secret: str | None


async def change(
    engine: Engine,
    actor: Actor,
    endpoint_id: str,
    changes: EndpointChanges,
    dialect: str | None = None,
) -> ChangedEndpoint:
    """Change, enable or disable an endpoint (of this dialect if given). A value that is as it was
    is no change. Raises NotFound, Invalid, Forbidden, also for an endpoint that may be sent more
    than the actor may read."""
    access.require(actor, *WRITE)
    before = await _before(engine, actor, endpoint_id, dialect)
    if changes.url not in (UNSET, before.url):
        await check_url(engine, str(changes.url))
    if changes.headers is not UNSET:
        check_headers(engine, changes.headers)
    if changes.secret is not UNSET:
        check_secret(changes.secret)
    return await _change(engine, actor, engine, endpoint_id, changes, dialect=dialect)


@read_tx
async def _before(tx: Tx, actor: Actor, endpoint_id: str, dialect: str | None) -> WebhookEndpoint:
    return existing(await endpoints.get(tx, endpoint_id), dialect)


@write_tx
async def _change(
    tx: Tx,
    now: int,
    actor: Actor,
    engine: Engine,
    endpoint_id: str,
    changes: EndpointChanges,
    *,
    dialect: str | None,
) -> ChangedEndpoint:
    before = existing(await endpoints.lock(tx, endpoint_id), dialect)
    if (paused := await owners.as_now(tx, now, before)) != before:
        lost = DisableDecision(paused.reason or "", before.updated_at)
        await owners.pause(tx, now, EndpointKey(tx.tenant_id, endpoint_id), lost)
        before = paused
    values = _moved(engine, before, changes)
    if not values:
        return ChangedEndpoint(before, None)
    if values != {"active": False}:
        owners.require_rights_of(actor, before)
    await check_inbox_tx(tx, values.get("inbox_id"))
    await record_audit(tx, now, actor, "change", "webhook", endpoint_id, fields=sorted(values))
    secret = _secret(before, values, changes)
    values |= _secrets(engine.encryption, now, before, values, secret)
    active = values.pop("active", None)
    if active or "url" in values:
        values |= await owners.take_over(tx, now, actor, before)
    if active is not None:
        values |= await _switched_on(tx) if active else OFF
    after = structs.replace(before, **values, updated_at=max(now, before.updated_at + 1))
    await endpoints.change(tx, after)
    return ChangedEndpoint(after, secret)


def _moved(engine: Engine, before: WebhookEndpoint, changes: EndpointChanges) -> dict[str, Any]:
    """The fields that change, as they are stored; but `secret` is in plain text, and `active` is no
    column."""
    values = provided_fields(changes)
    if "kinds" in values:
        check_kinds(engine, before.dialect, values["kinds"])
        values["kinds"] = json_text(values["kinds"])
    if "headers" in values:
        values["headers"] = seal_headers(engine.encryption, values["headers"])
    if values.get("max_retries") is not None and before.backoff is None:
        values.setdefault("backoff", SHOWN_BACKOFF)
    were: dict[str, Any] = structs.asdict(before)
    were |= {"active": before.status == "active", "secret": _opened(engine.encryption, before)}
    return {name: value for name, value in values.items() if were[name] != value}


def _secret(
    before: WebhookEndpoint, values: dict[str, Any], changes: EndpointChanges
) -> str | None:
    """The new secret, if any. A new origin gets a new secret unless the actor sends one: it must
    not get one that another origin knows."""
    given: str | None = values.get("secret")
    if changes.secret is UNSET and _moves(before, values):
        return webhook_signature.new_secret()
    return given


def _secrets(
    cipher: SealingKeys,
    now: int,
    before: WebhookEndpoint,
    values: dict[str, Any],
    secret: str | None,
) -> dict[str, Any]:
    """The encrypted fields that change. Those of the former origin are dropped."""
    kept: dict[str, Any] = {}
    if secret is not None:
        overlaps = opens(cipher, before.secret)
        kept = {
            "old_secret": before.secret if overlaps else None,
            "old_secret_until": now + OLD_SECRET_HOURS * HOUR if overlaps else None,
        }
        kept["secret"] = cipher.encrypt(secret.encode())
    if _moves(before, values):
        kept |= {"old_secret": None, "old_secret_until": None}
        kept["headers"] = values.get("headers")
    return kept


def _moves(before: WebhookEndpoint, values: dict[str, Any]) -> bool:
    """Whether requests go to another origin (scheme, host or port) from now on."""
    return "url" in values and not same_origin(before.url, values["url"])


def _opened(cipher: SealingKeys, endpoint: WebhookEndpoint) -> str | None:
    try:
        return cipher.decrypt(endpoint.secret).decode()
    except ValueError:
        return None  # encrypted with another server key: no secret is equal to it


async def _switched_on(tx: Tx) -> dict[str, Any]:
    """It is sent the events from now on, and the circuit breaker is closed."""
    well: dict[str, Any] = {"failures": 0, "failing_since": None, "open_until": None}
    return well | {
        "status": "active",
        "reason": None,
        "after_position": (await events.log_snapshot(tx)).last,
    }
