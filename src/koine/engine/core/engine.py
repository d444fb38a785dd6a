"""The engine object: what every operation needs, and what one process shares between requests."""

from collections.abc import Iterator
from contextlib import contextmanager

from koine.engine.core.search_slots import search_slots
from koine.engine.core.server_keys import ServerKeys, open_keys
from koine.engine.sending.write_batcher import WriteBatcher
from koine.engine.verification.failed_logins import FailedLogins
from koine.engine.verification.issuer_keys import IssuerKeys
from koine.engine.verification.jwt import TokenSigner
from koine.engine.verification.password_pool import PasswordPool
from koine.kit.background_tasks import BackgroundTasks
from koine.kit.cache import TTLCache
from koine.kit.clock import Clock
from koine.kit.outbound import EgressPolicy, OutboundClient
from koine.kit.settings import Settings
from koine.kit.shutdown_signal import ShutdownSignal
from koine.kit.tokens import StatelessSecrets
from koine.model.actor import Actor
from koine.model.errors import Refusal, Unavailable
from koine.model.webhook_format import WebhookFormats
from koine.store.core.db import Database

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
        server_keys: ServerKeys,
        webhook_formats: WebhookFormats,
    ) -> None:
        self.db = db
        self.clock = clock
        self.settings = settings
        self.write_batcher = WriteBatcher(db, clock)
        self.search_slots = search_slots(settings)
        self.password_pool = PasswordPool()
        self.server_keys = server_keys
        newest, *older = server_keys.secrets
        self.signer = TokenSigner(newest, ISSUER, ISSUER, clock, older)
        self.credential_cache: TTLCache[str, Actor] = TTLCache(CREDENTIAL_CACHE_SIZE)
        self.encryption = server_keys.sealing
        self.stateless_secrets = StatelessSecrets(newest, older)
        self.webhook_formats = webhook_formats
        self.failed_logins = FailedLogins(settings.audit_failed_logins_per_hour)
        self.shutdown_signal = ShutdownSignal()
        self.background = BackgroundTasks()
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
    """An engine over a migrated database, with the server's keys (`server_keys.open_keys`). Raises
    BadSetting, Unavailable."""
    keys = await open_keys(db, settings)
    return Engine(db, clock, settings, keys, webhook_formats)
