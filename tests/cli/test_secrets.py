"""The commands about the server's keys."""

import pytest

from koine.engine.core.encryption import key_id
from tests.cli.terminal import Terminal

A, B = "a" * 32, "b" * 32


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Sets KOINE_SECRET_KEY of the commands."""
    return monkeypatch


def test_the_key_in_the_database_is_replaced_by_one_of_the_settings(
    acme: Terminal, given: pytest.MonkeyPatch
) -> None:
    token = acme.json("inbox", "create", "Website")["hmac_token"]
    (stored,) = acme.json("secrets", "status")["keys"]
    assert (stored["newest"], stored["in_database"], stored["opens"]) == (True, True, 1)
    given.setenv("KOINE_SECRET_KEY", A)
    assert "koine secrets rotate" in acme.run("doctor")
    done = acme.json("secrets", "rotate")
    assert done == {
        "resealed": 1, "sealed": 0, "dropped": 0, "unopened": 0, "newest_in_database": False,
        "stored_key_removed": True,
    }  # fmt: skip
    found = acme.json("secrets", "status")
    assert found["keys"] == [
        {"id": key_id(A), "newest": True, "in_database": False, "opens": 1},
    ]
    assert "koine secrets rotate" not in acme.run("doctor")
    assert acme.json("secrets", "rotate")["resealed"] == 0
    (inbox,) = acme.json("inbox", "list")
    rotated = acme.json("inbox", "rotate-hmac-token", inbox["id"])
    assert rotated["hmac_token"] != token and rotated["old_hmac_token_until"]
    assert A not in acme.run("secrets", "status") + acme.run("doctor")


def test_what_no_key_opens_is_named(acme: Terminal, given: pytest.MonkeyPatch) -> None:
    given.setenv("KOINE_SECRET_KEY", A)
    acme.run("inbox", "create", "Website")
    given.setenv("KOINE_SECRET_KEY", B)
    said = acme.run("secrets", "status")
    assert "no key opens 1 value:" in said and "acme" in said and key_id(A) in said
    found = acme.json("secrets", "status")
    assert (found["unopened_values"], found["unopened"][0]["name"]) == (1, "Website")
    assert "no key opens 1 value: " in acme.run("secrets", "rotate", code=1)
    said = acme.run("doctor", code=1)
    assert "no key opens 1 encrypted value of 1 webhook or inbox (" in said
    assert f"add the key {key_id(A)} as the last of KOINE_SECRET_KEY" in said
    assert "acme: inbox Website" in said and A not in said and B not in said
    given.setenv("KOINE_SECRET_KEY", f"{B},{A}")
    assert acme.run("secrets", "rotate").startswith("1 value encrypted with the newest key\n")
    given.setenv("KOINE_SECRET_KEY", B)
    assert "no key opens" not in acme.run("doctor")


def test_a_command_without_the_servers_key_is_refused(
    acme: Terminal, given: pytest.MonkeyPatch
) -> None:
    given.setenv("KOINE_SECRET_KEY", A)
    acme.run("inbox", "create", "Website")
    acme.run("secrets", "rotate")
    given.delenv("KOINE_SECRET_KEY")
    said = acme.run("inbox", "create", "Other", code=2)
    assert "KOINE_SECRET_KEY: is not set" in said and key_id(A) in said
    assert "KOINE_SECRET_KEY: is not set" in acme.run("doctor", code=1)


def test_a_key_that_cannot_be_used_is_refused(acme: Terminal, given: pytest.MonkeyPatch) -> None:
    given.setenv("KOINE_SECRET_KEY", f"{A},{A}")
    for words, code in ((("secrets", "status"), 2), (("doctor",), 1)):
        said = acme.run(*words, code=code)
        assert "KOINE_SECRET_KEY: the same key is given twice" in said and A not in said


def test_an_inbox_that_does_not_exist_gets_no_token(acme: Terminal) -> None:
    for name in ("x", "00000000-0000-7000-8000-000000000000"):
        assert "no such inbox" in acme.run("inbox", "rotate-hmac-token", name, code=1)
