"""The engine: what every verb needs, held in one place, and what makes a function a verb.

A verb is one transaction. Its body takes the transaction first (and, if it writes, the time) and
awaits nothing else; decorated, it is called with the engine in their place:

    conversation = await conversations.get(engine, actor, conversation_id)
"""

import functools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Concatenate, Generic, ParamSpec, TypeVar

from koine.engine.core.encryption import SecretCipher
from koine.engine.core.search_slots import search_slot, search_slots
from koine.engine.login.failed_logins import FailedLogins
from koine.engine.login.issuer_keys import IssuerKeys
from koine.engine.login.jwt import TokenSigner
from koine.engine.login.password_pool import PasswordPool
from koine.engine.sending.write_batcher import WriteBatcher
from koine.kit.cache import TTLCache
from koine.kit.clock import Clock
from koine.kit.outbound import EgressPolicy, OutboundClient
from koine.kit.settings import Settings
from koine.kit.shutdown_signal import ShutdownSignal
from koine.kit.tokens import StatelessSecrets, random_token
from koine.model.actor import Actor
from koine.model.errors import Refusal, Unavailable
from koine.model.webhook_format import WebhookFormats
from koine.store.core.db import Database, Tx
from koine.store.people import tenants

P = ParamSpec("P")
R = TypeVar("R")

ISSUER = "koine"
"""`iss` and `aud` of the access tokens the server makes itself."""
CREDENTIAL_CACHE_SIZE = 20_000
"""How many verified credentials are remembered, for `token_cache_seconds` each."""


class Engine:
    """One database, one clock, the settings, the sends, the tokens and the passwords; `voices` are
    the formats of the webhooks that it can validate and send."""

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
        """Ask the database again about every credential: after a change of rights. What is being
        read of one now may be of before, so it goes with the memory it was read for."""
        self.credential_cache = TTLCache(self.credential_cache.max_items)

    @contextmanager
    def changing_rights(self) -> Iterator[None]:
        """Forget credentials once it is done, or may be; not when it was refused, or anybody could
        have them forgotten."""
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
    """An engine over a migrated database. The signing key is the setting's, else the one the
    database keeps, so that every node reads every node's tokens."""
    secret = settings.secret_key
    if not secret:
        secret = await db.write("", tenants.server_value, "token_secret", random_token(48))
    return Engine(db, clock, settings, secret, webhook_formats)


class ReadOperation(Generic[P, R]):
    """A verb that only reads. `inside` is its body, for other verbs' transactions."""

    def __init__(self, body: Callable[Concatenate[Tx, Actor, P], Awaitable[R]], long: bool) -> None:
        self.in_tx = body
        self._long = long
        functools.update_wrapper(self, body)

    async def __call__(self, engine: Engine, actor: Actor, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it in one read of the actor's tenant."""
        if not self._long:
            return await engine.db.read(actor.tenant_id, self.in_tx, actor, *args, **kwargs)
        async with search_slot(engine.search_slots, actor):
            return await engine.db.read_long(actor.tenant_id, self.in_tx, actor, *args, **kwargs)


class WriteOperation(Generic[P, R]):
    """A verb that writes. `inside` is its body, for other verbs' transactions."""

    def __init__(
        self, body: Callable[Concatenate[Tx, int, Actor, P], Awaitable[R]], rights: bool = False
    ) -> None:
        self.in_tx = body
        self._rights = rights
        functools.update_wrapper(self, body)

    async def __call__(self, engine: Engine, actor: Actor, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it in one transaction of the actor's tenant; then what it wrote is on disk."""
        now = engine.clock.now()
        with engine.changing_rights() if self._rights else nullcontext():
            return await engine.db.write(actor.tenant_id, self.in_tx, now, actor, *args, **kwargs)


def read_tx(body: Callable[Concatenate[Tx, Actor, P], Awaitable[R]]) -> ReadOperation[P, R]:
    """Make a body that reads a few indexed rows a verb."""
    return ReadOperation(body, long=False)


def long_read_tx(body: Callable[Concatenate[Tx, Actor, P], Awaitable[R]]) -> ReadOperation[P, R]:
    """Make a body that may read many rows (a search) a verb; it never holds up short ones, and
    waits for a slot (`engine.searches`). Raises Unavailable when too many wait."""
    return ReadOperation(body, long=True)


def write_tx(body: Callable[Concatenate[Tx, int, Actor, P], Awaitable[R]]) -> WriteOperation[P, R]:
    """Make a body that changes rows a verb; it gets the time (µs) the transaction began."""
    return WriteOperation(body)


def rights_write_tx(
    body: Callable[Concatenate[Tx, int, Actor, P], Awaitable[R]],
) -> WriteOperation[P, R]:
    """As `writes`, for what changes somebody's rights or ends a credential: this node forgets what
    it remembers of credentials; the log tells the others."""
    return WriteOperation(body, rights=True)
