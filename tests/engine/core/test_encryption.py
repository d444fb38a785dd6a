import pytest

from koine.engine.core.encryption import SecretCipher


def test_what_was_sealed_is_read_with_its_secret_alone() -> None:
    sealed = SecretCipher("one").encrypt(b"hello")
    assert SecretCipher("one").decrypt(sealed) == b"hello"
    assert b"hello" not in sealed
    with pytest.raises(ValueError, match="another secret"):
        SecretCipher("two").decrypt(sealed)


def test_no_two_seals_are_alike() -> None:
    assert SecretCipher("one").encrypt(b"") != SecretCipher("one").encrypt(b"")


@pytest.mark.parametrize("broken", [b"", b"x" * 11, b"x" * 40])
def test_a_changed_text_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match="another secret"):
        SecretCipher("one").decrypt(broken)
