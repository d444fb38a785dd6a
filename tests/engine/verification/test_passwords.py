import pytest
from argon2 import Parameters, Type, extract_parameters

from koine.engine.verification import passwords
from koine.engine.verification.passwords import DUMMY_HASH, HASHER, hash_password, verify_password


@pytest.fixture(autouse=True)
def production_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hasher of production, in place of the cheap one of the other tests."""
    monkeypatch.setattr(passwords, "HASHER", HASHER)


def test_a_password_matches_its_own_hash_only() -> None:
    hashed = hash_password("correct horse")
    assert hashed.startswith("$argon2id$")
    assert "correct" not in hashed
    assert verify_password(hashed, "correct horse")
    assert not verify_password(hashed, "correct horse ")


def test_no_password_matches_an_invalid_hash() -> None:
    assert not verify_password("", "x")
    assert not verify_password("$argon2id$v=19$broken", "x")
    assert not verify_password("ключ", "x")


def test_a_lone_surrogate_is_a_wrong_password() -> None:
    assert not verify_password(DUMMY_HASH, "\ud800")


def test_a_hash_costs_three_passes_over_64_mib() -> None:
    cost = Parameters(
        type=Type.ID, version=19, salt_len=16, hash_len=32,
        time_cost=3, memory_cost=64 * 1024, parallelism=4,
    )  # fmt: skip
    assert extract_parameters(hash_password("")) == cost


def test_an_unknown_user_costs_as_much_as_a_known_one() -> None:
    assert extract_parameters(DUMMY_HASH) == extract_parameters(hash_password(""))
