"""The HMAC token of an inbox is stored encrypted and replaced with an overlap."""

import pytest
from msgspec import structs

from koine.engine.contacts import callers, hmac_tokens, inboxes
from koine.engine.contacts.callers import ContactCaller
from koine.engine.contacts.hmac_tokens import newest_token
from koine.engine.core.encryption import SealingKeys
from koine.kit.times import HOUR, SECOND
from koine.kit.tokens import hmac_hex
from koine.model.errors import Forbidden, NotFound
from koine.model.inbox import Inbox
from koine.store.contacts import inboxes as rows
from tests.cast import Cast


async def accepts(cast: Cast, token: str) -> bool:
    """Whether Acme's inbox accepts identity hashes by this token."""
    caller = await callers.resolve(cast.engine, cast.acme.inbox.identifier, None)
    return callers.is_hash_of(caller, "u-1", hmac_hex(token, "u-1"))


async def rotate(cast: Cast, hours: int = 24) -> Inbox:
    keys, inbox_id = cast.engine.encryption, cast.acme.inbox.id
    return await hmac_tokens.rotate(cast.engine, cast.acme.actor("ada"), keys, inbox_id, hours)


async def test_a_token_is_not_stored_in_clear_text(cast: Cast) -> None:
    stored, token = cast.acme.inbox, cast.hmac_token()
    assert len(token) >= 22
    assert token != stored.hmac_token and token.encode() not in (stored.sealed_hmac_token or b"")
    assert await accepts(cast, token)
    assert not await accepts(cast, stored.hmac_token)


async def test_during_the_overlap_both_tokens_are_valid_and_then_only_the_new_one(
    cast: Cast,
) -> None:
    old = cast.hmac_token()
    changed = await rotate(cast, 2)
    new = cast.hmac_token(changed)
    assert new != old
    assert changed.old_hmac_token_until == cast.clock.now() + 2 * HOUR
    assert await accepts(cast, old) and await accepts(cast, new)
    cast.clock.advance(2 * HOUR // SECOND)
    assert not await accepts(cast, old) and await accepts(cast, new)


async def test_without_an_overlap_the_old_token_ends_at_once(cast: Cast) -> None:
    old = cast.hmac_token()
    changed = await rotate(cast, 0)
    assert (changed.old_hmac_token, changed.old_hmac_token_until) == (None, None)
    assert not await accepts(cast, old) and await accepts(cast, cast.hmac_token(changed))


async def test_a_second_rotation_ends_the_token_before_the_last(cast: Cast) -> None:
    first, second = cast.hmac_token(), cast.hmac_token(await rotate(cast))
    await rotate(cast)
    assert [await accepts(cast, each) for each in (first, second)] == [False, True]


async def test_a_token_in_clear_text_is_read_and_rotated(cast: Cast) -> None:
    clear = structs.replace(cast.acme.inbox, hmac_token="in clear text", sealed_hmac_token=None)
    await cast.engine.db.write(cast.acme.tenant.id, rows.change, clear)
    assert newest_token(cast.engine.encryption, clear) == "in clear text"
    assert await accepts(cast, "in clear text")
    changed = await rotate(cast)
    assert changed.hmac_token != "in clear text"
    assert await accepts(cast, "in clear text") and await accepts(cast, cast.hmac_token(changed))


async def test_a_token_that_no_key_opens_proves_nobody_and_is_replaced(cast: Cast) -> None:
    other = hmac_tokens.sealed_columns(SealingKeys(["x" * 32]), "lost")
    lost = structs.replace(cast.acme.inbox, **other)
    await cast.engine.db.write(cast.acme.tenant.id, rows.change, lost)
    shown = await inboxes.get(cast.engine, cast.acme.actor("ada"), lost.id)
    assert newest_token(cast.engine.encryption, shown) is None
    assert not await accepts(cast, "lost")
    changed = await rotate(cast)
    assert changed.old_hmac_token is None
    assert await accepts(cast, cast.hmac_token(changed))


async def test_only_managers_rotate_a_token(cast: Cast) -> None:
    engine, keys, inbox = cast.engine, cast.engine.encryption, cast.acme.inbox
    with pytest.raises(Forbidden):
        await hmac_tokens.rotate(engine, cast.acme.actor("alice"), keys, inbox.id)
    ada = cast.acme.actor("ada")
    with pytest.raises(NotFound):
        await hmac_tokens.rotate(engine, ada, keys, cast.rival.inbox.id)
    await inboxes.remove(engine, ada, inbox.id)
    with pytest.raises(NotFound):
        await hmac_tokens.rotate(engine, ada, keys, inbox.id)


async def test_without_keys_no_hash_is_valid(cast: Cast) -> None:
    caller = ContactCaller(cast.acme.tenant, cast.acme.inbox)
    assert not callers.is_hash_of(caller, "u-1", cast.identity_hash("u-1"))
