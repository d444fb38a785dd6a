"""The rights of an endpoint: those that its owner delegated, while the owner still holds them.

The owner is the user or key that created the endpoint, or took it over later. When the owner is
removed, blocked or demoted, or its key is revoked or expires, the endpoint is paused, until an
actor with the same rights takes it over by enabling it again.
"""

from typing import Any

import msgspec
from msgspec import structs

from koine.engine.auth import access, delegation
from koine.engine.auth.delegation import Delegator
from koine.engine.core.recorder import record_audit, record_event
from koine.kit.json import json_text
from koine.model.actor import Actor
from koine.model.errors import Forbidden
from koine.model.permissions import MANAGE_TENANT, PERMISSIONS, WRITE_WEBHOOKS
from koine.model.webhook import DisableDecision, EndpointKey, WebhookEndpoint
from koine.store.core.db import Tx
from koine.store.webhooks import endpoints

KEY_ENDED = "paused: the API key it was made with has ended, or who made that key has left"
OWNER_LEFT = "paused: its owner was removed or blocked"
OWNER_HOLDS_LESS = "paused: its owner no longer holds all the rights it was made with"
_permissions = msgspec.json.Decoder(frozenset[str])

OwnerRights = dict[Delegator, Actor | None]
"""The current rights of owners, cached within one transaction; None for one that has none."""


async def delegate(tx: Tx, now: int, actor: Actor) -> dict[str, Any]:
    """The fields of an endpoint that the actor owns. It gets the rights that the actor has both by
    its credential and in the database, where they can be checked again later (those by a token of
    the tenant's own issuer cannot). Raises Forbidden for an actor that holds nothing any more."""
    delegator = delegation.delegator_of(actor)
    holds = await delegation.current_rights(tx, now, delegator)
    if holds is None:
        raise Forbidden(WRITE_WEBHOOKS)
    delegated = sorted(each for each in PERMISSIONS if actor.may(each) and holds.may(each))
    return {
        "permissions": json_text(delegated),
        "include_private_notes": access.sees_private(actor) and access.sees_private(holds),
        "acts_as_user_id": delegator.user_id,
        "owner_key_id": delegator.key_id,
    }


async def take_over(tx: Tx, now: int, actor: Actor, before: WebhookEndpoint) -> dict[str, Any]:
    """As `delegate`, with an audit entry if the endpoint gets another owner."""
    delegated = await delegate(tx, now, actor)
    if (delegated["acts_as_user_id"], delegated["owner_key_id"]) != (
        before.acts_as_user_id,
        before.owner_key_id,
    ):
        await record_audit(tx, now, actor, "take_over", "webhook", before.id, reason=before.reason)
    return delegated


def require_rights_of(actor: Actor, endpoint: WebhookEndpoint) -> None:
    """Raise Forbidden unless the actor has all rights of the endpoint."""
    access.require_all(actor, _permissions.decode(endpoint.permissions))
    if endpoint.include_private_notes and not access.sees_private(actor):
        raise Forbidden(MANAGE_TENANT)


async def endpoint_actor(
    tx: Tx, now: int, endpoint: WebhookEndpoint, known: OwnerRights | None = None
) -> Actor | str:
    """The actor whose view of events an endpoint is sent, or the reason (a text) why it must be
    paused. `known` caches the rights of owners."""
    delegator = Delegator(endpoint.acts_as_user_id, endpoint.owner_key_id)
    known = {} if known is None else known
    if delegator not in known:
        known[delegator] = await delegation.current_rights(tx, now, delegator)
    holds = known[delegator]
    if holds is None:
        return OWNER_LEFT if delegator.key_id is None else KEY_ENDED
    delegated = _permissions.decode(endpoint.permissions)
    if not all(holds.may(each) for each in delegated):
        return OWNER_HOLDS_LESS
    if endpoint.include_private_notes and not access.sees_private(holds):
        return OWNER_HOLDS_LESS
    if endpoint.acts_as_user_id is None:
        return Actor(
            tx.tenant_id, "key", permissions=delegated, reads_private=endpoint.include_private_notes
        )
    role = holds.role if endpoint.include_private_notes else None
    return Actor(tx.tenant_id, "user", endpoint.acts_as_user_id, role, delegated)


async def as_now(
    tx: Tx, now: int, endpoint: WebhookEndpoint, known: OwnerRights | None = None
) -> WebhookEndpoint:
    """The endpoint with its current status: paused as soon as its owner lacks rights, even before
    that is stored."""
    if endpoint.status != "active":
        return endpoint
    found = await endpoint_actor(tx, now, endpoint, known)
    if isinstance(found, Actor):
        return endpoint
    return structs.replace(endpoint, status="disabled", reason=found)


async def pause(tx: Tx, now: int, key: EndpointKey, decision: DisableDecision) -> bool:
    """Disable an endpoint, with an event; False when it is disabled already, or was changed."""
    if not await endpoints.disable(tx, key, decision, now):
        return False
    await record_event(
        tx, now, "webhook.disabled", key.endpoint_id, audience="staff", reason=decision.reason
    )
    return True
