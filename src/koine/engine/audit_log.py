"""The audit log, for actors that manage the tenant."""

from koine.engine.auth import access
from koine.engine.core.operations import read_tx
from koine.model.actor import Actor
from koine.model.audit import AuditEntry
from koine.model.page import Page, Window
from koine.model.permissions import MANAGE_TENANT
from koine.store import audit_log
from koine.store.core.db import Tx


@read_tx
async def find_page(
    tx: Tx,
    actor: Actor,
    entity: str | None,
    action: str | None,
    window: Window,
    *,
    since: int | None = None,
    person_id: str | None = None,
    request_id: str | None = None,
) -> Page[AuditEntry]:
    """A page of the log, newest first, if given of one kind of entity or action, since a time (µs),
    by or about one person, of one request. Raises Forbidden."""
    access.require(actor, MANAGE_TENANT)
    return await audit_log.find_page(
        tx, entity, action, window, since=since, person_id=person_id, request_id=request_id
    )
