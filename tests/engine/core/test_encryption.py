import pytest

from koine.engine.core.encryption import SecretCipher


def test_a_text_is_decrypted_with_its_key_only() -> None:
    sealed = SecretCipher("one").encrypt(b"hello")
    assert SecretCipher("one").decrypt(sealed) == b"hello"
    assert b"hello" not in sealed
    with pytest.raises(ValueError, match="another secret"):
        SecretCipher("two").decrypt(sealed)


def test_a_text_is_encrypted_differently_each_time() -> None:
    assert SecretCipher("one").encrypt(b"") != SecretCipher("one").encrypt(b"")


@pytest.mark.parametrize("broken", [b"", b"x" * 11, b"x" * 40])
def test_a_changed_text_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match="another secret"):
        SecretCipher("one").decrypt(broken)
