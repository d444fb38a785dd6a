"""The ledger of a process: it knows which of its calls still run."""

import pytest

from koine.engine import answers
from koine.http.ledger import Answers, Kept, KeyReused
from koine.model.errors import Conflict, Unavailable
from koine.store.db import Database
from tests.cast import Cast, make_cast

CALL = ("POST /v1/things", "k")
KEPT = Kept(201, [("Location", "/v1/things/1")], b"{}")


@pytest.fixture
async def cast(db: Database) -> Cast:
    return await make_cast(db)


async def test_while_the_first_runs_the_second_conflicts(cast: Cast) -> None:
    ledger, dan = Answers(cast.engine), cast.acme.actor("dan")
    assert await ledger.begin(dan, *CALL, "d") is None
    with pytest.raises(Conflict):
        await ledger.begin(dan, *CALL, "d")
    with pytest.raises(KeyReused):
        await ledger.begin(dan, *CALL, "other")
    await ledger.keep(dan, *CALL, KEPT)
    assert await ledger.begin(dan, *CALL, "d") == KEPT


async def test_a_call_whose_end_could_not_be_written_frees_its_key(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        raise Unavailable

    ledger, dan = Answers(cast.engine), cast.acme.actor("dan")
    assert await ledger.begin(dan, *CALL, "d") is None
    with monkeypatch.context() as patched, pytest.raises(Unavailable):
        patched.setattr(answers, "drop", gone)
        await ledger.drop(dan, *CALL)
    assert await ledger.begin(dan, *CALL, "d") is None


async def test_where_one_process_serves_the_next_is_its_heir(cast: Cast) -> None:
    dan = cast.acme.actor("dan")
    assert await Answers(cast.engine).begin(dan, *CALL, "d") is None
    next_one = Answers(cast.engine).begin(dan, *CALL, "d")
    if await cast.engine.db.home():
        with pytest.raises(Conflict):
            await next_one
    else:
        assert await next_one is None
