import pytest

from koine.engine.core.encryption import SealingKeys, SecretCipher, key_id, named_key

OLD, NEW = "old key " * 4, "new key " * 4
SEALED_BEFORE = bytes.fromhex("fbb8d05dad8fea9caa7458731a159b3f5ece534ccf0d10bbc56a9e816026d86670")
"""What the version before sealed of `hello` with OLD: a value that names no key."""


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


def test_the_newest_key_encrypts_and_every_key_decrypts() -> None:
    before = SealingKeys([OLD]).encrypt(b"hello")
    keys = SealingKeys([NEW, OLD])
    after = keys.encrypt(b"hello")
    assert [keys.decrypt(each) for each in (before, after)] == [b"hello", b"hello"]
    assert [named_key(each) for each in (before, after)] == [key_id(OLD), key_id(NEW)]
    assert [keys.is_newest(each) for each in (before, after)] == [False, True]
    assert [keys.opening_key(each) for each in (before, after)] == [key_id(OLD), key_id(NEW)]
    assert SealingKeys([OLD]).opening_key(after) is None
    with pytest.raises(ValueError, match="another secret"):
        SealingKeys([OLD]).decrypt(after)


def test_what_the_version_before_sealed_is_opened_by_whichever_key_it_was() -> None:
    assert named_key(SEALED_BEFORE) is None
    assert SealingKeys([NEW, OLD]).decrypt(SEALED_BEFORE) == b"hello"
    assert SealingKeys([NEW, OLD]).opening_key(SEALED_BEFORE) == key_id(OLD)
    assert SealingKeys([NEW]).opening_key(SEALED_BEFORE) is None


def test_a_value_of_an_older_koine_that_seems_to_name_a_key_is_opened() -> None:
    """Its random nonce may begin as the values that name one."""
    keys = SealingKeys([NEW, OLD])
    start = keys.encrypt(b"")[:8]
    cipher = SecretCipher(OLD)
    nonce = start + b"1234"
    sealed = nonce + cipher._cipher.encrypt(nonce, b"hello", None)
    assert named_key(sealed) == key_id(NEW)
    assert (keys.decrypt(sealed), keys.opening_key(sealed)) == (b"hello", key_id(OLD))


def test_the_key_that_a_value_names_cannot_be_changed() -> None:
    sealed = bytearray(SealingKeys([OLD]).encrypt(b"hello"))
    sealed[4:8] = bytes.fromhex(key_id(NEW))
    assert SealingKeys([NEW, OLD]).opening_key(bytes(sealed)) is None


@pytest.mark.parametrize("broken", [b"", b"KEY1", b"KEY1" + b"x" * 40, b"x" * 40])
def test_several_keys_refuse_a_changed_text(broken: bytes) -> None:
    with pytest.raises(ValueError, match="another secret"):
        SealingKeys([NEW, OLD]).decrypt(broken)


def test_keys_do_not_show_themselves() -> None:
    keys = SealingKeys([NEW, OLD])
    assert repr(keys) == f"SealingKeys({key_id(NEW)}, {key_id(OLD)})"
