"""Idempotency-Key: the same key with the same payload gets the first response again.

contracts/README.md, "What holds in every dialect". Where responses are stored is
`IdempotencyStore`'s; this is the HTTP part.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
import structlog

from koine.engine.idempotency import KeyedRequest, StoredResponse
from koine.http.request import AnyRequest, StreamingResponse
from koine.http.response import RawResponse
from koine.kit.json import json_text
from koine.model.errors import Conflict, Invalid

HEADER = "Idempotency-Key"

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_WRITES = frozenset({"POST", "PUT", "PATCH"})
_REPLAYED = (b"idempotent-replayed", b"true")
_log = structlog.get_logger("koine.http")

Work = Callable[[], Awaitable[RawResponse | StreamingResponse]]


class IdempotencyStore(Protocol):
    """Where first responses are stored for 24 h, by `KeyedRequest.scope`."""

    async def claim(
        self, request: KeyedRequest, stores_own_key: bool = False
    ) -> StoredResponse | None:
        """Claim the key, or give the response stored under it. `stores_own_key`: what the call
        writes carries the key for good, and running it again writes nothing more.

        Raises Conflict("in_flight") while the first call runs and KeyReused for another payload.
        A key claimed and neither saved nor released (the process died) must become free by itself.
        """

    async def save(self, request: KeyedRequest, response: StoredResponse) -> None:
        """Save the first response, or of one that is too large that there was one."""

    async def release(self, request: KeyedRequest) -> None:
        """Free the key: there is no response worth storing."""


def key_of(call: AnyRequest) -> str | None:
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


def message_key(call: AnyRequest) -> str | None:
    """The call's key as the client key of the message it posts, with the caller in it, for
    another's same key is another key, and so is the same key in another dialect, whose path is
    another: a message is never stored twice, even when the stored response is long forgotten
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
    store: IdempotencyStore, call: AnyRequest, key: str, work: Work, show: Work | None = None
) -> RawResponse | StreamingResponse:
    """Give the stored response, or do `work` and save its response; 5xx, streams and what is to be
    tried again later (429) are not saved.

    In place of a response that was too large to be stored, `show` gives what there is now. Raises
    Conflict("not_kept") where nothing can show it: nothing is ever done twice.
    """
    action = f"{call.method} {call.scope['path']}"
    request = KeyedRequest.of(call.actor, action, key, call.payload_digest)
    stored = await store.claim(request, call.route is not None and call.route.stores_own_key)
    if stored is not None:
        return await _replay(call, stored, show)
    try:
        done = await work()
    except BaseException:
        await store.release(request)
        raise
    try:
        if isinstance(done, StreamingResponse) or done.status >= 500 or done.status == 429:
            await store.release(request)
        else:
            await store.save(request, _stored(done, call.created_ids))
    except Exception:
        # The work is done and must be answered; the key frees itself.
        _log.error("answer not kept", request_id=call.request_id, exc_info=True)
    return done


async def _replay(
    call: AnyRequest, stored: StoredResponse, show: Work | None
) -> RawResponse | StreamingResponse:
    if stored.headers is not None:
        texts = msgspec.json.decode(stored.headers, type=list[tuple[str, str]])
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in texts]
        return RawResponse(stored.status, [*headers, _REPLAYED], stored.content)
    if show is None:
        raise Conflict("not_kept", "the first answer under this key was too large to be kept")
    call.created_ids = stored.created
    shown = await show()
    if isinstance(shown, StreamingResponse):
        return shown
    return shown._replace(headers=[*shown.headers, _REPLAYED])


def _stored(packed: RawResponse, created: str) -> StoredResponse:
    texts = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in packed.headers]
    headers = json_text(texts)
    return StoredResponse(packed.status, headers, packed.content, created)
