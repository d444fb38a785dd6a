"""Idempotency-Key: the same key with the same payload gets the first answer again.

contracts/README.md, "What holds in every dialect". The rows live behind
`Ledger`; this is the HTTP part.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable

import structlog

from koine.http.call import AnyCall, Stream
from koine.http.ledger import HEADER, Kept, Ledger
from koine.http.respond import Packed
from koine.model.errors import Conflict, Invalid

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_WRITES = frozenset({"POST", "PUT", "PATCH"})
_log = structlog.get_logger("koine.http")


def key_of(call: AnyCall) -> str | None:
    """Give the call's key, or None; the quoted form of a key is the key (contracts/README.md).

    Raises Invalid when it is no 1–255 visible ASCII characters.
    """
    key = call.headers.get(HEADER)
    if key is None or call.method not in _WRITES:
        return None
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not _KEY.fullmatch(key):
        raise Invalid(HEADER, "must be 1 to 255 visible ASCII characters")
    return key


def message_key(call: AnyCall) -> str | None:
    """The call's key as the client key of the message it posts, with the caller in it, for
    another's same key is another key, and so is the same key in another dialect, whose path is
    another: a message is never stored twice, even when the kept answer is long forgotten
    (contracts/README.md). Raises Invalid as `key_of`.
    """
    key = key_of(call)
    return f"idem:{call.dialect}:{call.actor.caller}:{key}" if key else None


def digest(*parts: bytes) -> str:
    """Give SHA-256 over parts, each with its length, so that no two lists of parts are alike."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(b"%d:" % len(part))
        sha.update(part)
    return sha.hexdigest()


async def run_once(
    ledger: Ledger,
    call: AnyCall,
    key: str,
    work: Callable[[], Awaitable[Packed | Stream]],
    show: Callable[[], Awaitable[Packed | Stream]] | None = None,
) -> Packed | Stream:
    """Give the kept answer, or do `work` and keep what it answers; 5xx, streams and what is to be
    tried again later (429) are not kept.

    In place of an answer that was too large to be kept, `show` is asked for what there is now.
    Raises Conflict("not_kept") where nobody can show it: nothing is ever done twice.
    """
    actor, request = call.actor, f"{call.method} {call.scope['path']}"
    keyed = call.route is not None and call.route.keyed
    kept = await ledger.begin(actor, request, key, call.digest, keyed)
    if kept is not None:
        return _again(kept) if kept.whole else await _shown(call, kept, show)
    try:
        done = await work()
    except BaseException:
        await ledger.drop(actor, request, key)
        raise
    try:
        if isinstance(done, Stream) or done.status >= 500 or done.status == 429:
            await ledger.drop(actor, request, key)
        else:
            await ledger.keep(actor, request, key, _kept(done, call.made))
    except Exception:
        # The work is done and must be answered; the key frees itself.
        _log.error("answer not kept", request_id=call.request_id, exc_info=True)
    return done


async def _shown(
    call: AnyCall, kept: Kept, show: Callable[[], Awaitable[Packed | Stream]] | None
) -> Packed | Stream:
    if show is None:
        raise Conflict("not_kept", "the first answer under this key was too large to be kept")
    call.made = kept.made
    shown = await show()
    return shown if isinstance(shown, Stream) else _marked(shown)


def _kept(packed: Packed, made: str) -> Kept:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in packed.headers]
    return Kept(packed.status, headers, packed.content, made)


def _again(kept: Kept) -> Packed:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept.headers]
    return _marked(Packed(kept.status, headers, kept.content))


def _marked(packed: Packed) -> Packed:
    return packed._replace(headers=[*packed.headers, (b"idempotent-replayed", b"true")])
