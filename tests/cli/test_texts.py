"""Texts and secrets that are typed have the bounds of the native API."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal

LONG = "x" * 256
NAME = "name must be a string of length <= 255"
REASON = "reason must be a string of length <= 1000"
ANN = ("user", "create", "ann@acme.test")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tenant", "create", LONG, "--slug", "x"), NAME),
        (("tenant", "create", " ", "--slug", "x"), "name has a wrong format"),
        (("tenant", "create", "X", "--slug", LONG), "a slug has at most 63 lower-case letters"),
        (("tenant", "suspend", "acme", "--reason", "x" * 1001), REASON),
        (("tenant", "import", "none.archive", "--as", LONG), NAME),
        (("retention", "hold", "tenant", "--reason", "x" * 1001), REASON),
        (("user", "create", "x@y.test", "--name", LONG), NAME),
        (("user", "create", "x@y.test", "--phone", LONG), "phone must be"),
        (("user", "create", f"{'x' * 320}@y.test"), "email must be a string of length <= 320"),
        (("user", "create", "no-mail"), "email has a wrong format"),
        (("user", "show", LONG), "user must be a string of length <= 255"),
        (("person", "find", LONG), "text must be a string of length <= 255"),
        (("person", "erase", LONG), "person must be a string of length <= 255"),
        (("key", "create", LONG, "--user", "x@y.test"), NAME),
        (("inbox", "create", LONG), NAME),
    ],
    ids=lambda each: " ".join(each)[:30] if isinstance(each, tuple) else "",
)
def test_a_text_is_bounded(acme: Terminal, words: tuple[str, ...], said: str) -> None:
    refused = acme.run(*words, code=1)
    assert refused.startswith(f"koine: {said}") and refused.count("\n") == 1
    assert "suspend" not in acme.run("audit")


def test_a_name_of_the_greatest_length_is_taken(acme: Terminal) -> None:
    assert acme.json("inbox", "create", "x" * 255)["name"] == "x" * 255


def test_the_field_that_is_refused_is_named(acme: Terminal) -> None:
    assert acme.run("retention", "set", "--audit", "7d", code=1).startswith("koine: audit: must be")
    acme.run(*ANN)
    words = ("key", "create", "k", "--user", "ann@acme.test", "--permission", "rule:world")
    assert acme.run(*words, code=1) == "koine: unknown permissions: rule:world\n"


def test_a_delivery_of_a_file_is_bounded(acme: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text(f"delivery_code\n{LONG}\n")
    said = acme.run("delivery", "import", str(file), code=1)
    assert said == "koine: line 2: delivery_code must be a string of length <= 255\n"


# ---------------------------------------------------------------- secrets


def test_without_a_terminal_a_password_is_not_asked_for(tmp_path: Path) -> None:
    """Nor is it waited for: the command has no terminal and no input that ends."""
    reading, writing = os.pipe()
    ran = subprocess.run(
        [sys.executable, "-m", "koine", "user", "set-password", "ann@acme.test"],
        env={**os.environ, "KOINE_DATA_DIR": str(tmp_path)},
        stdin=reading,
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    os.close(writing)
    os.close(reading)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    assert ran.stderr.startswith("koine: there is no terminal") and "--stdin" in ran.stderr


def test_a_password_that_is_no_text_is_refused(acme: Terminal) -> None:
    acme.run(*ANN)
    words = ("user", "set-password", "ann@acme.test", "--stdin")
    assert "is no text in UTF-8" in acme.run(*words, input=b"\xff" * 20 + b"\n", code=1)
    said = acme.run(*words, input="x" * 20_000, code=1)
    assert said == "koine: password must be a string of length <= 1024\n"


def test_a_passphrase_is_not_truncated(acme: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text("x" * 1025)
    words = ("tenant", "export", "acme", str(tmp_path / "a"), "--passphrase-file", str(file))
    said = acme.run(*words, code=1)
    assert said == "koine: passphrase must be a string of length <= 1024\n"
