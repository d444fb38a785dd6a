from argon2 import extract_parameters

from koine.engine.login.passwords import DUMMY_HASH, hash_password, verify_password


def test_a_password_fits_its_own_hash_only() -> None:
    hashed = hash_password("correct horse")
    assert hashed.startswith("$argon2id$")
    assert "correct" not in hashed
    assert verify_password(hashed, "correct horse")
    assert not verify_password(hashed, "correct horse ")


def test_what_is_no_hash_fits_nothing() -> None:
    assert not verify_password("", "x")
    assert not verify_password("$argon2id$v=19$broken", "x")
    assert not verify_password("ключ", "x")


def test_a_lone_surrogate_is_a_wrong_password() -> None:
    assert not verify_password(DUMMY_HASH, "\ud800")


def test_nobody_costs_what_anybody_costs() -> None:
    assert extract_parameters(DUMMY_HASH) == extract_parameters(hash_password(""))
