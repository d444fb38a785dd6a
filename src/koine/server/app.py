"""The ASGI application: every dialect on one engine."""

from pathlib import Path

from koine.dialects.chats import ChatsDialect
from koine.dialects.delivery import DeliveryDialect
from koine.dialects.helpdesk import HelpdeskDialect
from koine.dialects.inbox import InboxDialect
from koine.dialects.native import NativeDialect
from koine.engine.core.engine import Engine
from koine.http import app as http
from koine.http.dialect import Dialect
from koine.http.health import ReadinessChecks
from koine.http.idempotency_store import DatabaseIdempotencyStore
from koine.realtime.realtime import Realtime
from koine.server.readiness import Readiness


def dialects() -> list[Dialect]:
    """Every dialect, in the order in which the documentation lists them."""
    return [DeliveryDialect(), HelpdeskDialect(), ChatsDialect(), InboxDialect(), NativeDialect()]


def create_app(
    engine: Engine, realtime: Realtime | None = None, ready: ReadinessChecks | None = None
) -> http.App:
    """The application of every dialect on one engine; without `realtime` it has no streams. `ready`
    makes the checks of /readyz, by default those of `readiness_checks`."""
    ready = ready or readiness_checks(engine, realtime)
    return http.build_app(
        dialects(),
        engine,
        engine.settings,
        ready=ready,
        idempotency=DatabaseIdempotencyStore(engine),
        realtime=realtime,
    )


def readiness_checks(engine: Engine, realtime: Realtime | None) -> ReadinessChecks:
    """The checks of /readyz of a process."""
    lag_seconds = realtime.log_reader.idle_seconds if realtime else None
    uploads = Path(engine.settings.data_dir) / "files"
    return Readiness(
        engine.db, engine.shutdown_signal, lag_seconds=lag_seconds, uploads=uploads
    ).checks
