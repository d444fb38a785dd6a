"""Which bus a node uses."""

from typing import TYPE_CHECKING

from koine.kit.later import LazyModule
from koine.kit.settings import Settings
from koine.relay.bus import Alone, Bus
from koine.relay.buses.line import Line
from koine.store.db import Database

if TYPE_CHECKING:
    from koine.relay.buses import nats
else:
    nats = LazyModule("koine.relay.buses.nats")

NATS_PACE = 0.002
DATABASE_PACE = 0.02
"""A notification holds a lock of the whole server for a moment: few are better than many."""


def bus(settings: Settings, db: Database) -> Bus:
    """NATS where the settings name it, else the database's own wire; none where one process alone
    can serve the database."""
    wire = db.bus_transport()
    if wire is None:
        return Alone()
    if settings.nats_url:
        wire = nats.NatsWire(settings.nats_url, settings.nats_creds, db.database_id)
        return Line(wire, NATS_PACE)
    return Line(wire, DATABASE_PACE)
