"""Suspend, resume and delete a tenant: operations of the operator, at the command line.

While a tenant is suspended its credentials are refused (`engine/auth/suspension`), its open streams
end, and its webhooks wait; nothing is deleted. The deletion of a tenant begins with a suspension:
for a grace time it can be taken back, then maintenance deletes the rows (`engine/tenant_deletion`).
"""

from msgspec import structs

from koine.engine.core.legal_holds import require_tenant_free_tx
from koine.engine.core.operations import rights_write_tx
from koine.engine.core.recorder import record_audit, record_event
from koine.kit.times import DAY, iso_ms
from koine.model.actor import Actor
from koine.model.errors import Conflict, Forbidden, Invalid, NotFound
from koine.model.tenant import Tenant
from koine.store import tenants
from koine.store.core.db import Tx
from koine.store.webhooks import endpoints

LONGEST_GRACE_DAYS = 36_500
_BEING_DELETED = "its deletion has begun: that cannot be taken back"


@rights_write_tx
async def suspend(tx: Tx, now: int, actor: Actor, reason: str = "") -> Tenant:
    """Suspend the actor's tenant; `reason` goes into the audit log. A tenant that is suspended
    stays so, also when a deletion is taken back. Raises Forbidden, NotFound."""
    before = await _locked(tx, now, actor)
    if before.suspended_at is not None and before.suspended_at != before.delete_requested_at:
        return before
    # Later than the request of a deletion: so `cancel_deletion` knows which of them suspended it.
    after = structs.replace(before, suspended_at=max(now, (before.delete_requested_at or 0) + 1))
    return await _save(tx, now, actor, "suspend", after, reason=reason)


@rights_write_tx
async def resume(tx: Tx, now: int, actor: Actor) -> Tenant:
    """End the suspension: every credential works as before, and webhooks that waited are sent.
    Raises Forbidden, NotFound, Conflict("deletion") where a deletion is scheduled."""
    before = await _locked(tx, now, actor)
    if before.delete_at is not None:
        raise Conflict("deletion", "its deletion is scheduled: take that back first")
    if before.suspended_at is None:
        return before
    return await _save(tx, now, actor, "resume", structs.replace(before, suspended_at=None))


@rights_write_tx
async def schedule_deletion(tx: Tx, now: int, actor: Actor, grace: int) -> Tenant:
    """Suspend the tenant, and have its deletion begin in `grace` µs; in place of the time that was
    scheduled before. Raises Invalid("grace") for too long a time, Forbidden, NotFound,
    Conflict("deletion") when it has begun, Conflict("held")."""
    if grace > LONGEST_GRACE_DAYS * DAY:
        raise Invalid("grace", "range", f"the grace time is {LONGEST_GRACE_DAYS} days at most")
    before = await _locked(tx, now, actor)
    await require_tenant_free_tx(tx)
    after = structs.replace(before, delete_at=now + grace)
    if before.delete_requested_at is None:
        after = structs.replace(after, delete_requested_at=max(now, (before.suspended_at or 0) + 1))
    if before.suspended_at is None:
        after = structs.replace(after, suspended_at=after.delete_requested_at)
    begins = iso_ms(now + grace)
    return await _save(tx, now, actor, "schedule_deletion", after, delete_at=begins)


@rights_write_tx
async def cancel_deletion(tx: Tx, now: int, actor: Actor) -> Tenant:
    """Take a scheduled deletion back: the tenant is as it was before, also suspended if it was.
    Raises Forbidden, NotFound, Conflict("deletion") where none is scheduled, or it has begun."""
    before = await _locked(tx, now, actor)
    if before.delete_at is None:
        raise Conflict("deletion", "no deletion of it is scheduled")
    was_suspended = before.suspended_at != before.delete_requested_at
    after = structs.replace(
        before,
        suspended_at=before.suspended_at if was_suspended else None,
        delete_at=None,
        delete_requested_at=None,
    )
    return await _save(tx, now, actor, "cancel_deletion", after)


async def _locked(tx: Tx, now: int, actor: Actor) -> Tenant:
    if actor.kind != "operator":
        raise Forbidden("operator")
    tenant = await tenants.lock(tx)
    if tenant is None:
        raise NotFound("tenant")
    if tenant.is_being_deleted(now):
        raise Conflict("deletion", _BEING_DELETED)
    return tenant


async def _save(
    tx: Tx, now: int, actor: Actor, action: str, after: Tenant, **detail: object
) -> Tenant:
    await tenants.change_suspension(tx, after)
    if after.suspended_at is None:
        # The time in which nothing was sent is no time in which an endpoint failed.
        await endpoints.reset_failing_since(tx)
    await record_audit(tx, now, actor, action, "tenant", after.id, **detail)
    # Every node checks the tenant's streams again when it reads this event.
    await record_event(tx, now, "tenant.updated", after.id)
    return after
