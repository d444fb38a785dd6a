"""Which bus a node uses."""

from typing import TYPE_CHECKING

from koine.kit.lazy_import import LazyModule
from koine.kit.settings import Settings
from koine.realtime.bus.protocol import Bus, LocalBus
from koine.realtime.bus.reconnecting import ReconnectingBus
from koine.store.core.db import Database

if TYPE_CHECKING:
    from koine.realtime.bus import nats
else:
    nats = LazyModule("koine.realtime.bus.nats")

NATS_INTERVAL = 0.002
DATABASE_INTERVAL = 0.02
"""A notification holds a lock of the whole server for a moment: few are better than many."""


def create_bus(settings: Settings, db: Database) -> Bus:
    """NATS where the settings name it, else the database's own wire; none where one process alone
    can serve the database."""
    wire = db.bus_transport()
    if wire is None:
        return LocalBus()
    if settings.nats_url:
        wire = nats.NatsTransport(settings.nats_url, settings.nats_creds, db.database_id)
        return ReconnectingBus(wire, NATS_INTERVAL)
    return ReconnectingBus(wire, DATABASE_INTERVAL)
