"""The engine object, with what every operation needs, and the decorators that make operations.

An operation is one transaction. Its body takes the transaction first (and, if it writes, the time)
and awaits nothing else, since a transaction may be run twice and holds locks. Decorated, it is
called with the engine in their place:

    conversation = await conversations.get(engine, actor, conversation_id)

A function whose name ends in `_tx` is no operation: it runs in the transaction of its caller. So
does the body of an operation, as `get.in_tx(tx, actor, conversation_id)`.
"""

import functools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Concatenate, Generic, ParamSpec, TypeVar

from koine.engine.core.encryption import SecretCipher
from koine.engine.core.search_slots import search_slot, search_slots
from koine.engine.sending.write_batcher import WriteBatcher
from koine.engine.verification.failed_logins import FailedLogins
from koine.engine.verification.issuer_keys import IssuerKeys
from koine.engine.verification.jwt import TokenSigner
from koine.engine.verification.password_pool import PasswordPool
from koine.kit.cache import TTLCache
from koine.kit.clock import Clock
from koine.kit.outbound import EgressPolicy, OutboundClient
from koine.kit.settings import Settings
from koine.kit.shutdown_signal import ShutdownSignal
from koine.kit.tokens import StatelessSecrets, random_token
from koine.model.actor import Actor
from koine.model.errors import Refusal, Unavailable
from koine.model.webhook_format import WebhookFormats
from koine.store import server_values
from koine.store.core.db import Database, Tx

P = ParamSpec("P")
R = TypeVar("R")

ISSUER = "koine"
"""`iss` and `aud` of the access tokens that the server issues."""
CREDENTIAL_CACHE_SIZE = 20_000
"""How many verified credentials are remembered, for `token_cache_seconds` each."""


class Engine:
    """The database, the clock, the settings, and what one process shares between its requests.

    `webhook_formats` are the formats whose webhook endpoints it can validate and send to.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: Settings,
        secret: str,
        webhook_formats: WebhookFormats,
    ) -> None:
        self.db = db
        self.clock = clock
        self.settings = settings
        self.write_batcher = WriteBatcher(db, clock)
        self.search_slots = search_slots(settings)
        self.password_pool = PasswordPool()
        self.signer = TokenSigner(secret, ISSUER, ISSUER, clock)
        self.credential_cache: TTLCache[str, Actor] = TTLCache(CREDENTIAL_CACHE_SIZE)
        self.encryption = SecretCipher(secret)
        self.refresh_token_mac = StatelessSecrets(secret)
        self.webhook_formats = webhook_formats
        self.failed_logins = FailedLogins(settings.audit_failed_logins_per_hour)
        self.shutdown_signal = ShutdownSignal()
        self.outbound = OutboundClient(
            EgressPolicy.parse(settings.outbound_allow), plain_http=settings.outbound_http
        )
        self.issuer_keys = IssuerKeys(self.outbound, clock)

    def forget_credentials(self) -> None:
        """Read every credential from the database again, after a change of rights.

        The cache is replaced and not emptied: a request that is reading a credential just now may
        have read it before the change, and puts it into the cache that it started with.
        """
        self.credential_cache = TTLCache(self.credential_cache.max_items)

    @contextmanager
    def changing_rights(self) -> Iterator[None]:
        """Forget credentials when the block is done, or may be (Unavailable: the commit may have
        happened). Not when it was refused, or anyone could empty the cache again and again."""
        try:
            yield
        except Refusal as refusal:
            if isinstance(refusal, Unavailable):
                self.forget_credentials()
            raise
        except BaseException:
            self.forget_credentials()
            raise
        self.forget_credentials()


async def open_engine(
    db: Database, clock: Clock, settings: Settings, webhook_formats: WebhookFormats
) -> Engine:
    """An engine over a migrated database. The signing key is that of the settings, else one that is
    stored in the database, so that each node accepts the tokens of every other."""
    secret = settings.secret_key
    if not secret:
        secret = await db.write("", server_values.get_or_insert, "token_secret", random_token(48))
    return Engine(db, clock, settings, secret, webhook_formats)


class ReadOperation(Generic[P, R]):
    """An operation that only reads. `in_tx` is its body, for the transactions of others."""

    def __init__(self, body: Callable[Concatenate[Tx, Actor, P], Awaitable[R]], long: bool) -> None:
        self.in_tx = body
        self._long = long
        functools.update_wrapper(self, body)

    async def __call__(self, engine: Engine, actor: Actor, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it in one read transaction of the actor's tenant."""
        if not self._long:
            return await engine.db.read(actor.tenant_id, self.in_tx, actor, *args, **kwargs)
        async with search_slot(engine.search_slots, actor):
            return await engine.db.read_long(actor.tenant_id, self.in_tx, actor, *args, **kwargs)


class WriteOperation(Generic[P, R]):
    """An operation that writes. `in_tx` is its body, for the transactions of others."""

    def __init__(
        self, body: Callable[Concatenate[Tx, int, Actor, P], Awaitable[R]], rights: bool = False
    ) -> None:
        self.in_tx = body
        self._rights = rights
        functools.update_wrapper(self, body)

    async def __call__(self, engine: Engine, actor: Actor, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it in one transaction of the actor's tenant; when this returns it is on disk."""
        now = engine.clock.now()
        with engine.changing_rights() if self._rights else nullcontext():
            return await engine.db.write(actor.tenant_id, self.in_tx, now, actor, *args, **kwargs)


def read_tx(body: Callable[Concatenate[Tx, Actor, P], Awaitable[R]]) -> ReadOperation[P, R]:
    """Make an operation of a body that reads a few rows by an index."""
    return ReadOperation(body, long=False)


def long_read_tx(body: Callable[Concatenate[Tx, Actor, P], Awaitable[R]]) -> ReadOperation[P, R]:
    """Make an operation of a body that may read many rows, such as a search. It waits for a slot
    (`engine.search_slots`) and never delays short reads. Raises Unavailable when too many wait."""
    return ReadOperation(body, long=True)


def write_tx(body: Callable[Concatenate[Tx, int, Actor, P], Awaitable[R]]) -> WriteOperation[P, R]:
    """Make an operation of a body that changes rows; `now` is when the transaction began (µs)."""
    return WriteOperation(body)


def rights_write_tx(
    body: Callable[Concatenate[Tx, int, Actor, P], Awaitable[R]],
) -> WriteOperation[P, R]:
    """As `write_tx`, for a body that changes somebody's rights or ends a credential: this node then
    forgets its cached credentials. Other nodes do so when they read the event."""
    return WriteOperation(body, rights=True)
