"""The command `user`: blocked, removed, shown, and given another password."""

import pytest

from tests.cli.terminal import Terminal

ANN = "ann@acme.test"


@pytest.fixture
def ann(acme: Terminal) -> Terminal:
    acme.run("user", "create", ANN, "--name", "Ann Lee", "--role", "agent")
    return acme


def key_state(terminal: Terminal) -> tuple[str, bool]:
    (key,) = terminal.json("key", "list")
    return key["state"], key["reason"] is not None


def test_a_user_is_shown_with_what_it_may(ann: Terminal) -> None:
    made = ann.json("key", "create", "k", "--user", ANN)
    shown = ann.json("user", "show", ANN)
    assert (shown["role"], shown["blocked"], shown["open_conversations"]) == ("agent", False, 0)
    assert "read:conversations" in shown["permissions"]
    assert shown["active_keys"] == [made["id"]]
    lines = ann.run("user", "show", shown["id"]).splitlines()
    assert f"{'email':18}  {ANN}" in lines


def test_what_people_read_of_a_user_is_words(ann: Terminal) -> None:
    lines = ann.run("user", "show", ANN).splitlines()
    assert f"{'blocked':18}  no" in lines and "last_activity_at" in lines
    ann.run("user", "block", ANN)
    assert ann.run("user", "list").splitlines()[1].endswith("yes")


def test_a_blocked_user_and_its_keys_are_refused_until_it_is_unblocked(ann: Terminal) -> None:
    ann.run("key", "create", "k", "--user", ANN)
    ann.run("user", "block", ANN)
    assert ann.json("user", "list")[0]["blocked"]
    assert key_state(ann) == ("revoked", True)
    ann.run("user", "unblock", ANN)
    assert key_state(ann) == ("active", False)


def test_a_removed_user_is_in_no_list_and_its_keys_are_revoked(ann: Terminal) -> None:
    ann.run("key", "create", "k", "--user", ANN)
    assert ann.run("user", "remove", ANN) == "removed\n"
    assert ann.json("user", "list") == []
    assert key_state(ann) == ("revoked", False)
    assert "no such user" in ann.run("user", "remove", ANN, code=1)


def test_a_new_password_is_printed_only_where_it_was_asked_for(ann: Terminal) -> None:
    said = ann.run("user", "reset-password", ANN, code=1)
    assert "--json" in said
    first, second = (ann.json("user", "reset-password", ANN)["password"] for _ in range(2))
    assert first != second and len(first) >= 20
    actions = [
        line.split()[2] for line in ann.run("audit", "--action", "set_password").splitlines()
    ]
    assert actions == ["set_password"] * 2
    assert first not in ann.run("audit")


def test_what_the_operator_does_is_audited(ann: Terminal) -> None:
    ann.run("user", "block", ANN)
    ann.run("user", "block", ANN)
    ann.run("user", "remove", ANN)
    said = ann.run("audit").splitlines()
    assert [line.split()[2] for line in said if " user " in line] == ["create", "change", "remove"]
