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
"""Seconds between two notifications: each takes a lock of the whole PostgreSQL server for a moment.
"""


def create_bus(settings: Settings, db: Database) -> Bus:
    """NATS if the settings name it, else the database's own notifications; a bus without other
    nodes where one process alone can serve the database."""
    transport = db.bus_transport()
    if transport is None:
        return LocalBus()
    if settings.nats_url:
        transport = nats.NatsTransport(settings.nats_url, settings.nats_creds, db.database_id)
        return ReconnectingBus(transport, NATS_INTERVAL)
    return ReconnectingBus(transport, DATABASE_INTERVAL)
