"""Which keys a server has: those of its settings, and one that is stored in the database."""

import pytest

from koine.engine.core.encryption import key_id
from koine.engine.core.server_keys import STORED_KEY, load_keys, open_keys
from koine.kit.settings import BadSetting, load
from koine.store import server_values
from koine.store.core.db import Database

A, B = "a" * 32, "b" * 32
NONE = load({})


async def stored(db: Database) -> str | None:
    return await db.read("", server_values.get, STORED_KEY)


async def test_without_settings_a_key_is_generated_once_and_stored(empty_db: Database) -> None:
    assert await load_keys(empty_db, NONE) is None
    first = await open_keys(empty_db, NONE)
    again = await open_keys(empty_db, NONE)
    assert first.secrets == again.secrets == (await stored(empty_db),)
    assert first.newest_is_stored


async def test_the_stored_key_is_the_oldest_of_all(empty_db: Database) -> None:
    before = await open_keys(empty_db, NONE)
    keys = await open_keys(empty_db, load({"KOINE_SECRET_KEY": f"{B},{A}"}))
    assert keys.secrets == (B, A, *before.secrets)
    assert keys.stored_id == before.sealing.ids[0] and not keys.newest_is_stored


async def test_settings_may_name_the_place_of_the_stored_key(empty_db: Database) -> None:
    keys = await open_keys(empty_db, load({"KOINE_SECRET_KEY": f"database,{A}"}))
    assert keys.secrets == (await stored(empty_db), A) and keys.newest_is_stored
    keys = await open_keys(empty_db, load({"KOINE_SECRET_KEY": f"{B},database,{A}"}))
    assert keys.secrets == (B, await stored(empty_db), A)


async def test_with_keys_in_the_settings_none_is_stored(empty_db: Database) -> None:
    keys = await open_keys(empty_db, load({"KOINE_SECRET_KEY": f"{A},database"}))
    assert keys.secrets == (A,) and keys.stored_id is None
    assert await stored(empty_db) is None


async def test_a_process_that_was_not_given_the_key_makes_no_other(empty_db: Database) -> None:
    await open_keys(empty_db, load({"KOINE_SECRET_KEY": A}))
    for opening in (open_keys, load_keys):
        with pytest.raises(BadSetting, match=f"KOINE_SECRET_KEY: is not set.*{key_id(A)}"):
            await opening(empty_db, NONE)
    assert await stored(empty_db) is None


async def test_a_stored_key_that_was_removed_is_not_made_again(empty_db: Database) -> None:
    await open_keys(empty_db, load({"KOINE_SECRET_KEY": A}))
    keys = await open_keys(empty_db, load({"KOINE_SECRET_KEY": f"database,{A}"}))
    assert keys.secrets == (A,)
    with pytest.raises(BadSetting, match="a stored key that was removed"):
        await open_keys(empty_db, load({"KOINE_SECRET_KEY": "database"}))
    assert await stored(empty_db) is None


async def test_keys_are_not_shown(empty_db: Database) -> None:
    keys = await open_keys(empty_db, load({"KOINE_SECRET_KEY": A}))
    assert A not in repr(keys) and key_id(A) in repr(keys)
