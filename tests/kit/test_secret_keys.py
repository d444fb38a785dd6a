"""The server's keys are read from a variable and a file; what cannot be used is refused."""

from pathlib import Path

import pytest

from koine.kit import secret_keys
from koine.kit.secret_keys import BadSecretKeys
from koine.kit.settings import BadSetting, load

A, B, C = "a" * 32, "b" * 32, "c" * 31 + ","


def test_keys_are_divided_by_commas_the_newest_first() -> None:
    assert secret_keys.parse(f" {A} ,{B},", "") == (A, B)
    assert secret_keys.parse("", "") == ()


def test_a_file_has_a_key_a_line_after_those_of_the_variable(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_bytes(f"\r\n{B}\r\n\n  {C}\ndatabase".encode())
    assert secret_keys.parse(A, str(file)) == (A, B, C, "database")
    assert load({"KOINE_SECRET_KEY_FILE": str(file)}).secret_keys() == (B, C, "database")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x" * 31, "fewer than 32 bytes"),
        (f"{A},{'x' * 31}", "key 2 has fewer than 32 bytes"),
        (f"{A},{B},{A}", "the same key is given twice"),
        (",".join(chr(97 + n) * 32 for n in range(9)), "more than 8 keys"),
        (" , ", "has no key"),
        ("\udcff" * 32, "UTF-8"),
    ],
)
def test_keys_that_cannot_be_used_are_refused_without_being_shown(text: str, reason: str) -> None:
    with pytest.raises(BadSetting) as refused:
        load({"KOINE_SECRET_KEY": text})
    assert refused.value.name == "KOINE_SECRET_KEY" and reason in refused.value.reason
    assert not any(part.strip() and part in str(refused.value) for part in text.split(","))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\n \n", "has no key"),
        (b"\xff" * 40, "is no text in UTF-8"),
        (f"{A}\n{'x' * 31}\n".encode(), "the key of line 2 has fewer than 32 bytes"),
        (f"{A}\n{A}\n".encode(), "the same key is given twice"),
        (b"a" * 70_000, "has more than 65536 bytes"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(BadSecretKeys) as refused:
        secret_keys.parse("", str(file))
    assert reason in str(refused.value) and refused.value.in_file
    assert A not in str(refused.value) and "x" * 31 not in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"KOINE_SECRET_KEY_FILE: .*missing cannot be read: No"):
        load({"KOINE_SECRET_KEY_FILE": str(tmp_path / "missing")})
    with pytest.raises(BadSetting, match="cannot be read: Is a directory"):
        load({"KOINE_SECRET_KEY_FILE": str(tmp_path)})
