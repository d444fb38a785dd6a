"""All drivers, by the name of their dialect."""

from tests.drivers.base import Driver
from tests.drivers.cast_app import CastApp
from tests.drivers.chats import ChatsDriver
from tests.drivers.delivery import DeliveryDriver
from tests.drivers.helpdesk import HelpdeskDriver
from tests.drivers.inbox import InboxDriver
from tests.drivers.native import NativeDriver

DRIVERS: dict[str, type[Driver]] = {
    each.name: each
    for each in (DeliveryDriver, HelpdeskDriver, ChatsDriver, InboxDriver, NativeDriver)
}


def make_drivers(cast_app: CastApp) -> dict[str, Driver]:
    """A driver for each dialect."""
    return {name: kind(cast_app) for name, kind in DRIVERS.items()}
