"""Stores first responses by Idempotency-Key in the database: what each process adds to it.

The rows are in the database, so that every node replays the same response. A process also knows
which keyed requests it is running, batches their queries, and limits what they store.
"""

import asyncio
from typing import NamedTuple

from msgspec import structs

from koine.engine import idempotency
from koine.engine.core.engine import Engine
from koine.engine.idempotency import KeyedRequest, KeyReused, StoredResponse
from koine.kit import metrics
from koine.kit.batching import Batcher
from koine.kit.cache import TTLCache
from koine.kit.ids import new_id
from koine.kit.settings import Settings
from koine.kit.times import DAY
from koine.model.errors import Conflict, Unavailable
from koine.store.idempotency import IdempotencyRecord

_MAX_COUNTED = 20_000
"""Callers and tenants counted; beyond, the least recent start at zero again."""

_Scope = tuple[str, str, str, str]


class _Running(NamedTuple):
    """A request that this process is running. `claimed` resolves to whether it got its key."""

    request: KeyedRequest
    claimed: asyncio.Future[bool]
    stores_own_key: bool


class DatabaseIdempotencyStore:
    """`http.idempotency.IdempotencyStore` in the database.

    Most requests claim their key before they run, and save their response before it is sent. A
    request that `stores_own_key` claims nothing: its response is saved while it is being sent, and
    if the process dies in between, a retry runs again and finds the rows that it inserted.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._budget = StorageBudget(engine.settings)
        self._runner = ""
        self._running: dict[_Scope, _Running] = {}
        self._unsaved: dict[_Scope, tuple[KeyedRequest, StoredResponse]] = {}
        self._claims = Batcher(self._claim_many)
        self._saves = Batcher(self._save_many)
        self._finds = Batcher(self._find_many, max_size=128)
        self._saves_unclaimed = Batcher(self._save_unclaimed_many, max_size=512, lanes=1)
        self._tasks: set[asyncio.Task[None]] = set()

    async def claim(
        self, request: KeyedRequest, stores_own_key: bool = False
    ) -> StoredResponse | None:
        """Claim the key, or give the response stored under it. See `IdempotencyStore.claim`.

        A key that this process claimed for a request that it does not run any more is free at once:
        the database was unavailable when it should have been saved or released.
        """
        scope = request.scope
        while scope in self._running:
            first = self._running[scope]
            # Until its claim has succeeded, it may only be reading a stored response.
            if await asyncio.shield(first.claimed):
                if first.request.payload != request.payload:
                    raise KeyReused
                raise Conflict("in_flight", "the first request with this key is still running")
        if scope in self._unsaved:
            before, response = self._unsaved[scope]
            if before.payload != request.payload:
                raise KeyReused
            return response
        running = _Running(request, asyncio.get_running_loop().create_future(), stores_own_key)
        self._running[scope] = running
        claimed = False
        try:
            stored = await self._find_or_claim(request, stores_own_key)
            claimed = stored is None
        finally:
            if not claimed:
                del self._running[scope]
            running.claimed.set_result(claimed)
        return stored

    async def save(self, request: KeyedRequest, response: StoredResponse) -> None:
        """Save the first response; after a request that stores its own key, in the background."""
        scope = request.scope
        running = self._running.get(scope)
        if not self._budget.take(request, response.size, self._engine.clock.now()):
            metrics.IDEMPOTENT_RESPONSES_NOT_STORED.inc()
            response = structs.replace(response, headers=None, content=b"")
        try:
            if running is None or not running.stores_own_key:
                await self._saves.add((request, response))
                return
            self._unsaved[scope] = request, response
            task = asyncio.create_task(self._save_later(request, response))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        finally:
            self._running.pop(scope, None)

    async def release(self, request: KeyedRequest) -> None:
        """Give the key back."""
        running = self._running.get(request.scope)
        try:
            if running is None or not running.stores_own_key:
                await idempotency.release(self._engine, request)
        finally:
            self._running.pop(request.scope, None)

    async def _find_or_claim(
        self, request: KeyedRequest, stores_own_key: bool
    ) -> StoredResponse | None:
        if stores_own_key:
            found = await self._finds.add(request)
            return idempotency.replayable(found, request, self._engine.clock.now())
        if await self._claims.add(request):
            return None
        return await idempotency.claim(self._engine, request, await self._name())

    async def _claim_many(self, requests: list[KeyedRequest]) -> list[bool]:
        return await idempotency.claim_many(self._engine, requests, await self._name())

    async def _find_many(self, requests: list[KeyedRequest]) -> list[IdempotencyRecord | None]:
        return await idempotency.find_many(self._engine, requests)

    async def _save_many(self, responses: list[tuple[KeyedRequest, StoredResponse]]) -> list[None]:
        await idempotency.save_many(self._engine, responses)
        return [None] * len(responses)

    async def _save_unclaimed_many(
        self, responses: list[tuple[KeyedRequest, StoredResponse]]
    ) -> list[None]:
        await idempotency.save_unclaimed_many(self._engine, responses)
        return [None] * len(responses)

    async def _save_later(self, request: KeyedRequest, response: StoredResponse) -> None:
        try:
            await self._saves_unclaimed.add((request, response))
        except Unavailable:
            # The message has the key: a retry finds it.
            return
        finally:
            self._unsaved.pop(request.scope, None)

    async def _name(self) -> str:
        """The name of this process in its claims. On SQLite, which one process serves, the name is
        always the same, so that the next process owns what a killed one had claimed."""
        if not self._runner:
            self._runner = new_id() if await self._engine.db.timeline_id() else "alone"
        return self._runner


class StorageBudget:
    """How many bytes of responses a caller and a tenant may store in a day, counted by each
    process. Above it the key is still stored, without its response: no work is ever done twice.

    Half of a tenant's budget is for all its contacts together, who are anonymous; the other half
    for its users and API keys.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._callers: TTLCache[tuple[str, str], tuple[int, int]] = TTLCache(_MAX_COUNTED)
        self._tenants: TTLCache[tuple[str, bool], tuple[int, int]] = TTLCache(_MAX_COUNTED)

    def take(self, request: KeyedRequest, size: int, now: int) -> bool:
        """Whether a response of `size` bytes may be stored `now` (µs); if so, it counts."""
        limits = self._settings
        if size > limits.idempotency_response_limit:
            return False
        caller = request.tenant_id, request.caller
        group = request.tenant_id, request.by_contact
        by_caller, until = self._callers.get(caller, now) or (0, now + DAY)
        in_group, group_until = self._tenants.get(group, now) or (0, now + DAY)
        budget = limits.idempotency_bytes_per_tenant // 2
        if by_caller + size > limits.idempotency_bytes_per_caller or in_group + size > budget:
            return False
        self._callers.put(caller, (by_caller + size, until), until)
        self._tenants.put(group, (in_group + size, group_until), group_until)
        return True
