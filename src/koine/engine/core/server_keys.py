"""The server's own keys: they sign its tokens and seal the secrets that it stores.

They are those of the settings, the newest first. Without any there is one key, generated and stored
in the database. When settings have keys, the stored key is the oldest of all until
`sealed_secrets.reseal` has re-sealed what it sealed; a node may also name its place in the list.
"""

from collections.abc import Sequence
from typing import Final

from koine.engine.core.encryption import SealingKeys, key_id
from koine.kit import secret_keys
from koine.kit.settings import BadSetting, Settings, variable
from koine.kit.tokens import random_token
from koine.store import server_values
from koine.store.core.db import Database, Tx

STORED_KEY: Final = "token_secret"
"""The name of the server's value that is the stored key."""
USED_KEY: Final = "secret_key_id"
"""The name of the value that has the identifier of the newest key that a process was given."""


class ServerKeys:
    """The keys of a server, newest first. `stored_id` is the identifier of the one that is stored
    in the database, if there is one."""

    def __init__(self, secrets: Sequence[str], stored: str | None = None) -> None:
        """`secrets` has at least one, and none twice."""
        self.secrets = tuple(secrets)
        self.stored_id = None if stored is None else key_id(stored)
        self.sealing = SealingKeys(self.secrets)

    def __repr__(self) -> str:
        return repr(self.sealing)

    @property
    def newest_is_stored(self) -> bool:
        """Whether the key that signs and seals is the one in the database."""
        return self.sealing.ids[0] == self.stored_id


async def open_keys(db: Database, settings: Settings) -> ServerKeys:
    """The keys of the settings and the database; a key is generated and stored when there is none.
    Raises BadSetting as `load_keys`, Unavailable."""
    keys = await load_keys(db, settings)
    if keys is None:
        await db.write("", server_values.get_or_insert, STORED_KEY, random_token(48))
        keys = await load_keys(db, settings)
        assert keys is not None
    elif not keys.newest_is_stored:
        await _record_use(db, keys.sealing.ids[0])
    return keys


async def load_keys(db: Database, settings: Settings) -> ServerKeys | None:
    """As `open_keys`, but changes nothing; None where the newest key is the stored one and there is
    none yet.

    Raises BadSetting when no key is given, although this database is one of a server with keys: a
    new key could open nothing, and would be another one than the server's.
    """
    given = settings.secret_keys()
    stored, used = await db.read("", _values)
    if stored is None:
        if used is None and given[:1] in ((), (secret_keys.STORED,)):
            return None
        others = [each for each in given if each != secret_keys.STORED]
        if not others:
            lacks = "names a stored key that was removed" if given else "is not set"
            reason = (
                f"{lacks}, and this database is used with the key {used}: set it as the server "
                "has it; if that key is lost, set a new one and see docs/secrets.md"
            )
            raise BadSetting(variable("secret_key"), reason)
        return ServerKeys(others)
    named = [stored if each == secret_keys.STORED else each for each in given]
    return ServerKeys(list(dict.fromkeys([*named, stored])), stored)


async def _values(tx: Tx) -> tuple[str | None, str | None]:
    return await server_values.get(tx, STORED_KEY), await server_values.get(tx, USED_KEY)


async def _record_use(db: Database, newest: str) -> None:
    if await db.read("", server_values.get, USED_KEY) != newest:
        await db.write("", server_values.put, USED_KEY, newest)
