"""The parts of the URLs that settings may have, as regular expressions.

They are strict: in a password with a bare `@`, `#`, `/` or `?` a parser would take what follows for
the host, the path or the query, and hosts are shown in messages and logs. Such a URL is refused.
"""

_HOST = r"(?:[\w.~%-]+|\[[0-9A-Fa-f:.%]+\])"
_PORT = r"(?::[0-9]{1,5})?"
_USER = r"(?:[^\s,/?#@\[\]]*@)?"

HOST_AND_PORT = rf"{_HOST}{_PORT}"
"""A server without a user: `host:port`."""
SERVER = rf"{_USER}{_HOST}{_PORT}"
"""A server, perhaps with a user and a password or a token: `user:password@host:port`."""
SERVERS = rf"{_USER}(?:{_HOST}{_PORT}(?:,{_HOST}{_PORT})*)?"
"""As SERVER, of any number of hosts, or none."""
PATH = r"(?:/[^\s?#@]*)?"
"""A path, or nothing."""
QUERY = r"(?:\?[^\s=&#@]+=[^\s&#@]*(?:&[^\s=&#@]+=[^\s&#@]*)*)?"
"""A query of names and values, or nothing."""

ESCAPES = "in a password, write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25"
"""What to do about a URL that is refused."""
