"""What an event shows is of its own tenant, whatever its row says."""

from koine.engine.events.event_context import load
from koine.model.event import LoggedEvent
from koine.model.tenant import Tenant
from tests.cast import Cast


async def test_an_event_about_a_tenant_shows_no_other_one(cast: Cast) -> None:
    event = LoggedEvent(
        kind="tenant.updated",
        audience="everyone",
        conversation_id=None,
        subject_id=cast.rival.tenant.id,
        seq=None,
        body="{}",
        created_at=1,
        position=1,
        tenant_id=cast.acme.tenant.id,
    )
    (found,) = await cast.engine.db.read(cast.acme.tenant.id, load, [event], [])
    assert isinstance(found.subject, Tenant) and found.subject.id == cast.acme.tenant.id
