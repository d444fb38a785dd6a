"""All metrics of the server, each declared here once.

The rest of the code imports an instrument and updates it. `labels()` costs as much as counting:
where the labels are known beforehand, keep its result. A label has few values, which the code
chooses (a route's template, a word of a fixed list); never an id, an address or user input.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics import MetricWrapperBase, disable_created_metrics
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REGISTRY = CollectorRegistry(auto_describe=False)
"""The metrics of this process. Each process has its own; a collector adds them up."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's own gap

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64)

BUILD = Gauge(
    "koine_build_info",
    "1: the version of Koine, the kind of its database, and the revision of the schema there.",
    ["version", "database", "schema"],
    registry=REGISTRY,
)
READY = Gauge(
    "koine_ready",
    "Whether a check of /readyz passes: 1 or 0.",
    ["check"],
    registry=REGISTRY,
)
EVENT_LOOP_DELAY = Histogram(
    "koine_event_loop_delay_seconds",
    "Seconds by which timers of the process were late, measured every two seconds.",
    buckets=_FAST,
    registry=REGISTRY,
)
REQUESTS = Histogram(
    "koine_request_seconds",
    "Requests, and seconds until the response began; status is its class (2xx).",
    ["dialect", "method", "route", "status"],
    buckets=_FAST,
    registry=REGISTRY,
)
SENDS = Counter(
    "koine_sends", "Successful sends of a message, repeated ones included.", registry=REGISTRY
)
SEND_BATCH_SIZE = Histogram(
    "koine_send_batch_size",
    "Messages written in one transaction.",
    buckets=_SIZES,
    registry=REGISTRY,
)
SEND_QUEUE = Gauge("koine_send_queue", "Sends that wait for a batch of writes.", registry=REGISTRY)
SEND_QUEUE_OLDEST = Gauge(
    "koine_send_queue_oldest_seconds",
    "Age of the oldest send that waits for a batch of writes.",
    registry=REGISTRY,
)
REQUESTS_REFUSED = Counter(
    "koine_requests_refused",
    "Requests refused by a limit.",
    ["limit"],
    registry=REGISTRY,
)
UNAUTHENTICATED = Counter(
    "koine_unauthenticated",
    "Requests without a valid credential, by what was wrong with it.",
    ["reason"],
    registry=REGISTRY,
)
LOGINS = Counter("koine_logins", "Logins by e-mail and password.", registry=REGISTRY)
FAILED_LOGINS = Counter(
    "koine_failed_logins",
    "Logins, changes of a password and uses of a refresh token that failed, by reason.",
    ["reason"],
    registry=REGISTRY,
)
UPLOADS = Counter("koine_uploads", "Files that were stored.", registry=REGISTRY)
UPLOAD_BYTES = Counter(
    "koine_upload_bytes", "Bytes of the files that were stored.", registry=REGISTRY
)
UPLOAD_FAILURES = Counter(
    "koine_upload_failures",
    "Files that were not stored, by reason.",
    ["reason"],
    registry=REGISTRY,
)
SEARCHES_RUNNING = Gauge("koine_searches_running", "Searches that run.", registry=REGISTRY)
SEARCHES_WAITING = Gauge(
    "koine_searches_waiting", "Searches that wait for a slot.", registry=REGISTRY
)
SEARCHES_OLDEST = Gauge(
    "koine_searches_oldest_seconds",
    "Age of the oldest search that waits for a slot.",
    registry=REGISTRY,
)
DATABASE_CONNECTIONS = Gauge(
    "koine_database_connections",
    "Connections of the process to its database, by pool and state (in_use, idle).",
    ["pool", "state"],
    registry=REGISTRY,
)
DATABASE_CONNECTIONS_MAX = Gauge(
    "koine_database_connections_max",
    "Most connections that a pool may have.",
    ["pool"],
    registry=REGISTRY,
)
DATABASE_CALLERS_WAITING = Gauge(
    "koine_database_callers_waiting",
    "Callers that wait for a connection of a pool.",
    ["pool"],
    registry=REGISTRY,
)
DATABASE_WAIT = Histogram(
    "koine_database_wait_seconds",
    "Seconds that a batch of writes waited for its turn, or a transaction for a connection.",
    buckets=_FAST,
    registry=REGISTRY,
)
DATABASE_UNAVAILABLE = Counter(
    "koine_database_unavailable",
    "Requests refused because the database was down, busy or full.",
    registry=REGISTRY,
)
DATABASE_SIZE = Gauge(
    "koine_database_size_bytes",
    "Size of the database on disk, the same in each process.",
    registry=REGISTRY,
)
UPLOADS_SIZE = Gauge(
    "koine_uploads_size_bytes",
    "Bytes of the uploads of all tenants, the same in each process.",
    registry=REGISTRY,
)
DISK_SIZE = Gauge(
    "koine_disk_size_bytes", "Size of the file system of the data folder.", registry=REGISTRY
)
DISK_FREE = Gauge(
    "koine_disk_free_bytes",
    "Free bytes on the file system of the data folder.",
    registry=REGISTRY,
)
MIGRATIONS_PENDING = Gauge(
    "koine_migrations_pending",
    "Migrations that the database lacks; below 0: those that it has and we do not know.",
    registry=REGISTRY,
)
BACKUP_TIME = Gauge(
    "koine_backup_last_success_timestamp_seconds",
    "Unix time of the last backup, the same in each process; 0: never.",
    registry=REGISTRY,
)
BACKUP_VERIFIED = Gauge(
    "koine_backup_last_verification_timestamp_seconds",
    "Unix time of the last verification of a backup that found no difference; 0: never.",
    registry=REGISTRY,
)
BACKUP_SIZE = Gauge("koine_backup_last_size_bytes", "Size of the last backup.", registry=REGISTRY)
BACKUP_RUNS = Counter(
    "koine_scheduled_backups",
    "Scheduled backups of this process, by outcome (done, not_verified, failed).",
    ["outcome"],
    registry=REGISTRY,
)
BACKUP_FAILURES = Gauge(
    "koine_backup_failures",
    "Scheduled backups that failed since the last good one, the same in each process.",
    registry=REGISTRY,
)
RETENTION_DELETED = Counter(
    "koine_retention_deleted",
    "Rows that were deleted because they were older than the tenant's periods, by kind.",
    ["kind"],
    registry=REGISTRY,
)
IDEMPOTENT_RESPONSES_NOT_STORED = Counter(
    "koine_idempotent_responses_not_stored",
    "Responses under an Idempotency-Key that were too large to be stored, or over a budget.",
    registry=REGISTRY,
)
EVENT_POSITION = Gauge(
    "koine_event_position", "Position of the newest event read from the log.", registry=REGISTRY
)
EVENT_LAG = Gauge(
    "koine_event_lag_seconds",
    "Age of the oldest committed event that was not yet dispatched to open streams.",
    registry=REGISTRY,
)
EVENT_QUEUE = Gauge(
    "koine_event_queue",
    "Positions of the event log that a follower (streams, webhooks) has yet to handle.",
    ["follower"],
    registry=REGISTRY,
)
EVENT_QUEUE_OLDEST = Gauge(
    "koine_event_queue_oldest_seconds",
    "Age of the oldest event that a follower has yet to handle.",
    ["follower"],
    registry=REGISTRY,
)
STREAM_CONNECTIONS = Gauge(
    "koine_stream_connections",
    "Open streams and sockets that receive events.",
    ["dialect"],
    registry=REGISTRY,
)
STREAM_CONNECTIONS_CLOSED = Counter(
    "koine_stream_connections_closed",
    "Streams and sockets that ended, by reason.",
    ["dialect", "reason"],
    registry=REGISTRY,
)
EVENTS_DELIVERED = Counter(
    "koine_events_delivered",
    "Events and ephemeral events queued for open streams.",
    ["dialect"],
    registry=REGISTRY,
)
EVENTS_CAUGHT_UP = Counter(
    "koine_events_caught_up",
    "Events read for streams that catch up: of the whole log, or of their own conversations.",
    ["how"],
    registry=REGISTRY,
)
WEBHOOK_DELIVERIES = Counter(
    "koine_webhook_deliveries",
    "Webhook deliveries that were completed, by outcome.",
    ["outcome"],
    registry=REGISTRY,
)
WEBHOOK_ATTEMPTS = Counter(
    "koine_webhook_attempts",
    "Requests to webhook endpoints, by outcome.",
    ["outcome"],
    registry=REGISTRY,
)
WEBHOOK_QUEUE = Gauge(
    "koine_webhook_queue",
    "Webhook deliveries that are not completed, the same in each process.",
    registry=REGISTRY,
)
WEBHOOK_OLDEST = Gauge(
    "koine_webhook_oldest_seconds",
    "Age of the oldest webhook delivery that is not completed, the same in each process.",
    registry=REGISTRY,
)
WEBHOOK_OVERDUE = Gauge(
    "koine_webhook_overdue_seconds",
    "Seconds since the attempt that is due longest should have begun, the same in each process.",
    registry=REGISTRY,
)
WEBHOOK_ENDPOINTS = Gauge(
    "koine_webhook_endpoints",
    "Webhook endpoints by state (active, failing, disabled), the same in each process.",
    ["state"],
    registry=REGISTRY,
)
BUS_RECONNECTS = Counter(
    "koine_bus_reconnects", "Reconnections to the bus between nodes.", registry=REGISTRY
)
BUS_CONNECTED = Gauge(
    "koine_bus_connected", "Whether the bus between nodes is connected: 1 or 0.", registry=REGISTRY
)
CONNECTIONS_ENDED = Counter(
    "koine_connections_ended",
    "Connections that the server closed or refused, by the limit that was exceeded.",
    ["reason"],
    registry=REGISTRY,
)
STREAMS_REFUSED = Counter(
    "koine_streams_refused",
    "Streams and sockets refused because there were too many, by what was counted.",
    ["by"],
    registry=REGISTRY,
)
WORKER_RESTARTS = Counter(
    "koine_worker_restarts",
    "Workers of this metrics port that ended unexpectedly and were replaced.",
    registry=REGISTRY,
)
OUTBOUND_REFUSED = Counter(
    "koine_outbound_refused",
    "Outbound requests blocked by the egress policy.",
    registry=REGISTRY,
)

ProcessCollector(namespace="koine", registry=REGISTRY)

KNOWN_LABELS: dict[Counter, tuple[str, ...]] = {
    REQUESTS_REFUSED: (
        "requests", "logins", "streams", "contacts", "conversations", "bytes", "uploads",
        "body_size", "passwords", "searches", "sends",
    ),
    UNAUTHENTICATED: ("missing", "invalid", "expired", "revoked"),
    FAILED_LOGINS: (
        "wrong_password", "unknown_email", "several_tenants", "blocked",
        "refresh_token", "reused_refresh_token",
    ),
    UPLOAD_FAILURES: ("disk", "database", "budget", "error"),
    STREAMS_REFUSED: ("address", "credential"),
    CONNECTIONS_ENDED: (
        "head_size", "malformed", "framing", "pipelined", "silent", "idle", "head_time",
        "body_time", "unread", "address", "frames", "message_time", "login_time",
    ),
    WEBHOOK_ATTEMPTS: ("delivered", "retry", "refused", "gone"),
    WEBHOOK_DELIVERIES: ("delivered", "failed", "cancelled"),
    EVENTS_CAUGHT_UP: ("log", "own"),
}  # fmt: skip
"""Counters that are there with 0 from the start, so that the first increase is seen as one."""


def _show_known_labels() -> None:
    for counter, values in KNOWN_LABELS.items():
        for value in values:
            counter.labels(value)


_show_known_labels()


class RequestTimes:
    """The requests of one route, counted at the cost of one look-up and one observation."""

    def __init__(self, dialect: str, method: str, route: str) -> None:
        self._labels = (dialect, method, route)
        self._classes: dict[int, Histogram] = {}

    def observe(self, status: int, seconds: float) -> None:
        """Count one response."""
        kind = status // 100
        times = self._classes.get(kind)
        if times is None:
            times = self._classes[kind] = REQUESTS.labels(*self._labels, f"{kind}xx")
        times.observe(seconds)


def text() -> bytes:
    """All metrics, in the text format of Prometheus."""
    return generate_latest(REGISTRY)


def instruments() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Name as a collector shows it, type, labels and description of each instrument."""
    for each in globals().values():
        if isinstance(each, MetricWrapperBase):
            (shown,) = each.describe()
            name = f"{shown.name}_total" if shown.type == "counter" else shown.name
            yield name, shown.type, tuple(each._labelnames), shown.documentation
