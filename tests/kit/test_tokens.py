import hashlib
import re

import pytest

from koine.kit.tokens import (
    StatelessSecrets,
    api_key_prefix,
    constant_time_equal,
    hmac_hex,
    new_api_key,
    random_token,
    sha256_hex,
)


@pytest.mark.parametrize(("live", "start"), [(True, "sk_live_"), (False, "sk_test_")])
def test_an_api_key_has_a_prefix_and_256_bits(live: bool, start: str) -> None:
    key = new_api_key(live)
    assert re.fullmatch(start + "[A-Za-z0-9]{51}", key.text)
    assert key.prefix == key.text[:16]
    assert key.digest == hashlib.sha256(key.text.encode()).hexdigest()


def test_no_two_keys_are_alike() -> None:
    assert len({new_api_key().prefix for _ in range(200)}) == 200


def test_a_key_does_not_show_itself() -> None:
    key = new_api_key()
    assert key.text not in repr(key)


def test_the_prefix_is_read_back_from_a_key() -> None:
    key = new_api_key()
    assert api_key_prefix(key.text) == key.prefix


@pytest.mark.parametrize("text", ["", "sk_live_", "sk_live_" + "a" * 50, "pk_live_" + "a" * 51])
def test_other_texts_are_no_keys(text: str) -> None:
    assert api_key_prefix(text) is None


def test_random_tokens_are_url_safe_and_differ() -> None:
    one, two = random_token(), random_token()
    assert one != two
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", one)


def test_same_compares_any_text() -> None:
    assert constant_time_equal("ключ", "ключ")
    assert not constant_time_equal("ключ", "key")
    assert not constant_time_equal("\ud800", "")


def test_digest_of_a_known_text() -> None:
    assert sha256_hex("abc").startswith("ba7816bf8f01cfea")


def test_hmac_is_rfc_4231_case_2() -> None:
    wanted = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac_hex("Jefe", "what do ya want for nothing?") == wanted
    assert hmac_hex("Jefe", b"what do ya want for nothing?") == wanted


def test_a_secret_that_an_older_key_signed_is_verified() -> None:
    text = StatelessSecrets("old").issue("me")
    assert StatelessSecrets("new", ["older", "old"]).verify("me", text)
    assert not StatelessSecrets("new", ["older"]).verify("me", text)
    assert not StatelessSecrets("new", ["old"]).verify("you", text)
    assert StatelessSecrets("new").verify("me", StatelessSecrets("new", ["old"]).issue("me"))
