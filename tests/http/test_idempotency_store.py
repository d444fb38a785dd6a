"""The idempotency store of a process, which knows which of its requests still run."""

import pytest

from koine.engine import idempotency
from koine.engine.idempotency import KeyedRequest, KeyReused, StoredResponse
from koine.http.idempotency_store import DatabaseIdempotencyStore
from koine.model.errors import Conflict, Unavailable
from tests.cast import Cast

RESPONSE = StoredResponse(201, '[["Location","/v1/things/1"]]', b"{}")


def keyed(cast: Cast, payload: str = "d") -> KeyedRequest:
    return KeyedRequest.of(cast.acme.actor("dan"), "POST /v1/things", "k", payload)


async def test_while_the_first_runs_the_second_conflicts(cast: Cast) -> None:
    store = DatabaseIdempotencyStore(cast.engine)
    assert await store.claim(keyed(cast)) is None
    with pytest.raises(Conflict):
        await store.claim(keyed(cast))
    with pytest.raises(KeyReused):
        await store.claim(keyed(cast, "other"))
    await store.save(keyed(cast), RESPONSE)
    assert await store.claim(keyed(cast)) == RESPONSE


async def test_a_key_that_could_not_be_released_is_free_in_this_process(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        raise Unavailable

    store = DatabaseIdempotencyStore(cast.engine)
    assert await store.claim(keyed(cast)) is None
    with monkeypatch.context() as patched, pytest.raises(Unavailable):
        patched.setattr(idempotency, "release", gone)
        await store.release(keyed(cast))
    assert await store.claim(keyed(cast)) is None


async def test_on_sqlite_the_next_process_owns_the_claims_of_the_last(cast: Cast) -> None:
    assert await DatabaseIdempotencyStore(cast.engine).claim(keyed(cast)) is None
    next_one = DatabaseIdempotencyStore(cast.engine).claim(keyed(cast))
    if await cast.engine.db.timeline_id():
        with pytest.raises(Conflict):
            await next_one
    else:
        assert await next_one is None
