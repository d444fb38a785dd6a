"""New ids and tokens for an imported tenant, each computed from the old one and a random secret of
the import: so an import that goes on after an interruption computes the same, and nobody else can.

A new id keeps the time in the old one, and so the order of the rows.
"""

import base64
import re
import string
from collections.abc import Callable
from hashlib import blake2b

from msgspec import Struct

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_FILE_KEY = re.compile(r'(?<=/files/)[A-Za-z0-9_-]{32}|(?<="key":")[A-Za-z0-9_-]{32}(?=")')
_BASE62 = string.ascii_letters + string.digits
_KEY_START = "sk_live_"
FILE_KEY = "files.key"
KEY_PREFIX = "api_keys.prefix"


class Renewal(Struct, frozen=True):
    """`secret` is 32 random bytes in hex. The tenant's id `source_id` becomes `tenant_id`; other
    ids are renewed if `ids`. `tokens` are the columns whose tokens are renewed."""

    secret: str
    source_id: str
    tenant_id: str
    ids: bool
    tokens: frozenset[str]

    def id(self, old: str) -> str:
        """The id here of what had this id."""
        if old == self.source_id:
            return self.tenant_id
        if not self.ids:
            return old
        digest = self._digest("id", old).hex()
        return f"{old[:20]}{digest[:3]}-{digest[3:15]}"

    def token(self, column: str, old: str) -> str:
        """The token here of what had this token."""
        if column not in self.tokens:
            return old
        digest = self._digest(column, old)
        if column == KEY_PREFIX:
            return _KEY_START + "".join(_BASE62[byte % 62] for byte in digest[:8])
        return base64.urlsafe_b64encode(digest[:24]).decode()

    def text_with_ids(self, text: str) -> str:
        """Text of this server with the ids in it renewed."""
        return _UUID.sub(_with(self.id), text) if self.ids else text

    def text_with_links(self, text: str) -> str:
        """Text with the keys of uploads in it renewed."""
        if FILE_KEY not in self.tokens:
            return text
        return _FILE_KEY.sub(_with(lambda key: self.token(FILE_KEY, key)), text)

    def _digest(self, about: str, old: str) -> bytes:
        key = bytes.fromhex(self.secret)
        return blake2b(f"{about}\0{old}".encode(), digest_size=32, key=key).digest()


def _with(renew: Callable[[str], str]) -> Callable[[re.Match[str]], str]:
    return lambda found: renew(found[0])
