"""What a start and `koine doctor` say about the server's keys."""

from msgspec import structs

from koine.engine.core.encryption import key_id
from koine.kit.settings import load
from koine.server.secret_check import check_secrets
from koine.store.contacts import inboxes
from koine.store.core.db import Database
from tests.cast import make_cast

A, B = "a" * 32, "b" * 32


async def said(db: Database, keys: str) -> dict[str, str]:
    """The findings with these keys, by level."""
    settings = load({"KOINE_SECRET_KEY": keys})
    for thorough in (False, True):
        found = await check_secrets(db, settings, thorough=thorough)
    assert not any(each.fatal for each in found)
    return {each.level: f"{each.found}: {each.advice}" for each in found}


async def test_findings_name_the_keys_that_are_needed(empty_db: Database) -> None:
    assert await check_secrets(empty_db, load({})) == []
    await make_cast(empty_db, secret_key=A)
    assert await said(empty_db, A) == {}
    assert (
        "an older key is needed for 2 encrypted values"
        in (await said(empty_db, f"{B},{A}"))["warning"]
    )
    lost = (await said(empty_db, B))["problem"]
    assert "no key opens 2 encrypted values of 2 webhooks and inboxes" in lost
    assert f"add the key {key_id(A)}" in lost
    (finding,) = await check_secrets(empty_db, load({}))
    assert finding.level == "problem" and "KOINE_SECRET_KEY: is not set" in finding.found


async def test_a_stored_key_and_tokens_in_clear_text_are_left_overs(empty_db: Database) -> None:
    cast = await make_cast(empty_db)
    assert await check_secrets(empty_db, load({})) == []
    clear = structs.replace(cast.acme.inbox, sealed_hmac_token=None)
    await empty_db.write(cast.acme.tenant.id, inboxes.change, clear)
    found = [each.found for each in await check_secrets(empty_db, load({"KOINE_SECRET_KEY": A}))]
    assert found == [
        "an older key is needed for 1 encrypted value, and the key that was stored in the database "
        "is still there",
        "in clear text: 1 HMAC token of inboxes",
    ]
