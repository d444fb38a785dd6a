import pytest

from koine.kit.sealed import Sealed


def test_what_was_sealed_is_read_with_its_secret_alone() -> None:
    sealed = Sealed("one").seal(b"hello")
    assert Sealed("one").open(sealed) == b"hello"
    assert b"hello" not in sealed
    with pytest.raises(ValueError, match="another secret"):
        Sealed("two").open(sealed)


def test_no_two_seals_are_alike() -> None:
    assert Sealed("one").seal(b"") != Sealed("one").seal(b"")


@pytest.mark.parametrize("broken", [b"", b"x" * 11, b"x" * 40])
def test_a_changed_text_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match="another secret"):
        Sealed("one").open(broken)
