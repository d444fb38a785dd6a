"""Idempotency-Key: a second request with the same key and payload gets the first response again
(contracts/README.md, "What holds in every dialect").

This is the HTTP part; `IdempotencyStore` stores the responses.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
import structlog

from koine.engine.idempotency import CREATED_HEADER, KeyedRequest, StoredResponse
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
        """Claim the key, or give the response stored under it. `stores_own_key`: the request writes
        its key into the rows that it inserts, so running it again inserts nothing.

        Raises Conflict("in_flight") while the first request runs and KeyReused for another payload.
        A claim that is neither saved nor released, since the process died, must expire by itself.
        """

    async def save(self, request: KeyedRequest, response: StoredResponse) -> None:
        """Save the first response; of one that is too large, only that there was one."""

    async def release(self, request: KeyedRequest) -> None:
        """Give the key back: the response is not to be stored, and a retry runs again."""


def key_of(request: AnyRequest) -> str | None:
    """Give the request's key, or None; quotes around it are removed (contracts/README.md).

    Raises Invalid unless it has 1 to 255 visible ASCII characters.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method not in _WRITES:
        return None
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not _KEY.fullmatch(key):
        raise Invalid(HEADER, "must be 1 to 255 visible ASCII characters")
    return key


def message_key(request: AnyRequest) -> str | None:
    """The request's key as the client key of the message it sends, so that a message is never
    stored twice, even after the stored response has expired (contracts/README.md). Caller and
    dialect are part of it: the same text from another caller or by another path is another key.
    Raises Invalid as `key_of`.
    """
    key = key_of(request)
    return f"idem:{request.dialect}:{request.actor.caller}:{key}" if key else None


def digest(*parts: bytes) -> str:
    """Give the SHA-256 of parts, each after its length: different lists have different digests."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(b"%d:" % len(part))
        sha.update(part)
    return sha.hexdigest()


async def run_once(
    store: IdempotencyStore,
    request: AnyRequest,
    key: str,
    work: Work,
    replay: Work | None = None,
) -> RawResponse | StreamingResponse:
    """Give the stored response, or do `work` and save its response. Streams, 5xx and 429, after
    which clients retry, are not saved.

    Where the response was too large to be stored, or was erased, `replay` renders the current state
    instead. Raises Conflict("not_kept") where there is no `replay`: the work is never done twice.
    """
    action = f"{request.method} {request.scope['path']}"
    keyed = KeyedRequest.of(request.actor, action, key, request.payload_digest)
    stored = await store.claim(keyed, _stores_own_key(request))
    if stored is not None:
        # Such work finds the rows that it inserted the first time, and renders these.
        return await _replay(request, stored, work if _stores_own_key(request) else replay)
    try:
        response = await work()
    except BaseException:
        await store.release(keyed)
        raise
    try:
        if isinstance(response, StreamingResponse) or not _is_final(response.status):
            await store.release(keyed)
        else:
            await store.save(keyed, _stored(response, request.created_ids))
    except Exception:
        # The work is committed, so its response must be sent; the claim expires by itself.
        _log.error(
            "a response could not be stored under its idempotency key",
            request_id=request.request_id,
            exc_info=True,
        )
    return response


async def _replay(
    request: AnyRequest, stored: StoredResponse, replay: Work | None
) -> RawResponse | StreamingResponse:
    if stored.headers is not None:
        texts = msgspec.json.decode(stored.headers, type=list[tuple[str, str]])
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in texts
            if name != CREATED_HEADER
        ]
        return RawResponse(stored.status, [*headers, _REPLAYED], stored.content)
    # A refusal created nothing that could be rendered.
    if replay is None or (stored.status >= 400 and not _stores_own_key(request)):
        raise Conflict(
            "not_kept",
            "the first response under this key is not stored: it was too large, or it was erased",
        )
    request.created_ids = stored.created
    response = await replay()
    if isinstance(response, StreamingResponse):
        return response
    return response._replace(headers=[*response.headers, _REPLAYED])


def _stores_own_key(request: AnyRequest) -> bool:
    return request.route is not None and request.route.stores_own_key


def _is_final(status: int) -> bool:
    return status < 500 and status != 429


def _stored(response: RawResponse, created: str) -> StoredResponse:
    texts = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers]
    if created:
        texts.append((CREATED_HEADER, created))
    return StoredResponse(response.status, json_text(texts), response.content, created)
