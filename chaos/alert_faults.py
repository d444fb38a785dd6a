"""The faults of the rig `alerts`: each is a context in which a real server has one thing wrong."""

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from pathlib import Path

import asyncpg
from msgspec import Struct, structs

from chaos.http_client import IncompleteResponse, Request, Response, send_request
from chaos.seed import home_engine
from chaos.seeded_tenant import SeededTenant
from chaos.sends import Sends
from chaos.servers import Server, ServerHome
from chaos.small_disk import SmallDisk
from chaos.tcp_gate import TcpGate
from koine.engine.webhooks import endpoints
from koine.engine.webhooks.endpoints import NewEndpoint
from koine.kit.backup_rules import parse_schedule
from koine.model.actor import operator
from koine.server.backup import lease
from koine.server.backup.record import record_created, record_verified
from koine.server.backup.scheduled import BackupRunner
from tests.support.nats import NatsCluster

UNUSED = "http://127.0.0.1:9/"
"""An endpoint at which nothing listens (the port of `discard`)."""
HOUR_US = 3_600_000_000

_HOLD = f"""
ROLLBACK; BEGIN;
UPDATE webhook_deliveries SET state = 'pending', finished_at = NULL,
  created_at = event_at - {7 * HOUR_US}, due_at = event_at - {2 * HOUR_US};
UPDATE webhook_endpoints SET open_until = NULL, status = 'active';
COMMIT; BEGIN;
SELECT 1 FROM webhook_deliveries FOR UPDATE;
"""
_IS_HELD = """
SELECT count(*) > 0 AND max(due_at) < max(event_at) - $1::bigint FROM webhook_deliveries
"""


class World(Struct, frozen=True):
    """What a fault may damage: the server, the gate before its database, the bus, the
    disk of its data folder (None: none could be mounted). `direct` is the database's own URL."""

    server: Server
    home: ServerHome
    direct: str
    gate: TcpGate
    bus: NatsCluster
    tenant: SeededTenant
    sends: Sends
    disk: SmallDisk | None = None

    @property
    def direct_home(self) -> ServerHome:
        """The server's home, without the gate."""
        return ServerHome(self.home.folder, self.direct)

    @property
    def metrics_ports(self) -> list[int]:
        """Of all workers."""
        first = self.server.settings.metrics_port
        return list(range(first, first + self.server.settings.workers))


Fault = Callable[[World], AbstractAsyncContextManager[None]]


async def call(world: World, request: Request, within: float = 10.0) -> Response | None:
    """Send a request; None without a response."""
    with suppress(OSError, IncompleteResponse, TimeoutError):
        return await send_request(world.server.port, request, within)
    return None


@asynccontextmanager
async def meanwhile(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Work while the context is open."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def repeating(world: World, *requests: Request, seconds: float = 0.1) -> AsyncIterator[None]:
    """Send these requests again and again while the context is open, one after the other."""

    async def work() -> None:
        while True:
            for request in requests:
                await call(world, request)
            await asyncio.sleep(seconds)

    async with meanwhile(work()):
        yield


@asynccontextmanager
async def no_backup(world: World) -> AsyncIterator[None]:
    """There never was a backup; then there is one."""
    yield
    backup = world.home.folder / "backup.tar"
    backup.write_bytes(b"0" * 4096)
    settings = world.home.settings({"database_url": world.direct})
    assert not await record_created(settings, backup) and not await record_verified(settings)


@asynccontextmanager
async def backups_fail(world: World) -> AsyncIterator[None]:
    """A scheduled backup fails, as its folder cannot be made; the next one succeeds."""
    missing = str(world.home.folder / "missing" / "folder")
    direct = structs.replace(world.home, database_url=world.direct)
    given = {"backup_schedule": "1d", "backup_to": missing}
    async with home_engine(direct, given) as engine:
        schedule = parse_schedule("1d")
        failed = await BackupRunner(engine, schedule).run_if_due()
        assert failed is not None and failed.error
        yield
        later = engine.clock.now() + HOUR_US
        assert await engine.db.write("", lease.take, schedule, "rig", "rig", later)
        done = lease.BackupOutcome(stored=True)
        assert await engine.db.write("", lease.end, "rig", later, later, done)


@asynccontextmanager
async def killed(world: World) -> AsyncIterator[None]:
    """kill -9 of all processes."""
    world.server.kill()
    yield
    world.server.start()
    await world.server.wait_ready()


@asynccontextmanager
async def database_cut(world: World) -> AsyncIterator[None]:
    """Every connection to the database is reset, and clients go on sending."""
    listed = Request("GET", "/v1/conversations", world.tenant.bearer("ada"))
    await world.gate.shut()
    async with repeating(world, listed):
        yield
    world.gate.reopen()
    await world.server.wait_ready()


@asynccontextmanager
async def bus_killed(world: World) -> AsyncIterator[None]:
    """kill -9 of NATS."""
    world.bus.kill(0)
    yield
    world.bus.start_one(0)


@asynccontextmanager
async def wrong_passwords(world: World) -> AsyncIterator[None]:
    """Logins with e-mails that nobody has."""
    body = {"email": "nobody@acme.test", "password": "a wrong password"}
    async with repeating(world, Request("POST", "/v1/auth/login", {}, body), seconds=0.3):
        yield


@asynccontextmanager
async def folder_gone(world: World) -> AsyncIterator[None]:
    """A file is where the folder of the uploads should be, while a contact uploads."""
    files = Path(world.server.settings.data_dir) / "files"
    aside = files.with_name("files.aside")
    if files.exists():
        files.rename(aside)
    files.parent.mkdir(parents=True, exist_ok=True)
    files.write_text("")
    path = f"{world.tenant.contact_path}/{world.tenant.conversations[0].number}/messages"
    async with _uploading(world, path):
        yield
    files.unlink()
    if aside.exists():
        aside.rename(files)


@asynccontextmanager
async def open_transaction(world: World) -> AsyncIterator[None]:
    """Another program leaves a transaction open, and messages are sent."""
    connection = await asyncpg.connect(world.direct)
    await connection.execute("BEGIN; SELECT pg_current_xact_id()")
    try:
        async with repeating(world, world.sends.new("native").request, seconds=1.0):
            yield
    finally:
        await connection.close()


@asynccontextmanager
async def dispatchers_held(world: World) -> AsyncIterator[None]:
    """Deliveries that are old and due, to an endpoint at which nothing listens; their rows are
    locked by another program, so that no dispatcher claims them."""
    actor = operator(world.tenant.tenant_id)
    async with home_engine(world.direct_home, {"outbound_allow": "127.0.0.1"}) as engine:
        new = NewEndpoint(dialect="native", url=UNUSED, kinds=("message.created",), name="gone")
        made = await endpoints.create(engine, actor, new)
        await call(world, world.sends.new("native").request)
        connection = await asyncpg.connect(world.direct)
        try:
            # A dispatcher may claim them between the two transactions: then again.
            while not await connection.fetchval(_IS_HELD, HOUR_US):
                await connection.execute(_HOLD)
                await asyncio.sleep(0.1)
            yield
        finally:
            await connection.close()
        await endpoints.remove(engine, actor, made.endpoint.id)


@asynccontextmanager
async def rows_locked(world: World) -> AsyncIterator[None]:
    """Another program locks conversations for two seconds again and again: those who write to them
    wait, and use up the connections."""

    async def hold() -> None:
        connection = await asyncpg.connect(world.direct)
        try:
            while True:
                async with connection.transaction():
                    await connection.execute("SELECT 1 FROM conversations FOR UPDATE")
                    await asyncio.sleep(2.0)
                await asyncio.sleep(0.05)
        finally:
            await connection.close()

    path = f"/v1/conversations/{world.tenant.conversations[0].id}"
    change = Request("PATCH", path, world.tenant.bearer("ada"), {"title": "again"})
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(meanwhile(hold()))
        for _ in range(8 * world.server.settings.workers):
            await stack.enter_async_context(repeating(world, change, seconds=0.0))
        yield


@asynccontextmanager
async def worker_killed(world: World) -> AsyncIterator[None]:
    """kill -9 of one worker."""
    os.kill(children(world.server.pid)[-1], signal.SIGKILL)
    yield
    await world.server.wait_ready()


@asynccontextmanager
async def newer_schema(world: World) -> AsyncIterator[None]:
    """A newer Koine has migrated the tables."""
    connection = await asyncpg.connect(world.direct)
    try:
        before = await connection.fetchval("SELECT version_num FROM alembic_version")
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
        yield
        await connection.execute("UPDATE alembic_version SET version_num = $1", before)
    finally:
        await connection.close()


@asynccontextmanager
async def few_files(world: World) -> AsyncIterator[None]:
    """The limit of open files of the workers is little above what they use."""
    before = {}
    for pid in children(world.server.pid):
        before[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = len(os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 4, before[pid][1]))
    yield
    for pid, limits in before.items():
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


@asynccontextmanager
async def disk_full(world: World) -> AsyncIterator[None]:
    """The disk of the data folder is filled."""
    assert world.disk is not None
    world.disk.fill_up_to(256 * 1024)
    yield
    world.disk.free_again()


def children(pid: int) -> list[int]:
    """The worker processes of a parent: those of its children that serve."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in text.split() if _is_worker(int(each))]


def _is_worker(pid: int) -> bool:
    # The resource tracker of multiprocessing is a child, too.
    return b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()


@asynccontextmanager
async def _uploading(world: World, path: str) -> AsyncIterator[None]:
    """Send a file again and again."""

    async def work() -> None:
        while True:
            with suppress(OSError, IncompleteResponse, TimeoutError):
                await _upload(world.server.port, path)
            await asyncio.sleep(0.2)

    async with meanwhile(work()):
        yield


async def _upload(port: int, path: str) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="attachments[]"; filename="a.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\nhello\r\n--b--\r\n"
    )
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head.encode() + body)
        await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()
