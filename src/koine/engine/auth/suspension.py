"""A suspended tenant's credentials are refused: those of users, keys, contacts and files alike."""

from koine.model.errors import TenantSuspended, Unauthenticated
from koine.model.tenant import Tenant
from koine.store import tenants
from koine.store.core.db import Tx


def require_active(tenant: Tenant) -> None:
    """Raise TenantSuspended for a tenant that is suspended."""
    if tenant.suspended_at is not None:
        raise TenantSuspended


async def require_active_tx(tx: Tx) -> None:
    """As `require_active`, for the tenant of the transaction. Call it when the credential was
    verified: only its holder may learn that the tenant is suspended. Raises Unauthenticated where
    there is no tenant."""
    tenant = await tenants.get(tx, tx.tenant_id)
    if tenant is None:
        raise Unauthenticated("invalid")  # it is being imported
    require_active(tenant)
