"""The commands that set up a server: tenant, user, key, inbox."""

import pytest

from tests.cli.terminal import Terminal

ANN = ("user", "create", "ann@acme.test", "--name", "Ann Lee", "--role", "tenant_admin")


def test_a_tenant_is_made_and_listed(terminal: Terminal) -> None:
    made = terminal.json("tenant", "create", "Acme Ltd")
    assert (made["slug"], made["name"]) == ("acme-ltd", "Acme Ltd")
    assert terminal.json("tenant", "list") == [made]


def test_a_taken_slug_is_refused_with_a_reason(acme: Terminal) -> None:
    said = acme.run("tenant", "create", "Acme", code=1)
    assert said == "koine: there is a tenant acme already\n"


def test_without_a_tenant_the_error_names_the_command_that_creates_one(terminal: Terminal) -> None:
    assert "koine tenant create" in terminal.run("user", "list", code=1)


def test_of_several_tenants_one_must_be_named(acme: Terminal) -> None:
    acme.run("tenant", "create", "Beta")
    assert "--tenant (acme, beta)" in acme.run("user", "list", code=1)
    assert acme.json("user", "list", "-t", "beta") == []


def test_an_unknown_tenant_is_refused(acme: Terminal) -> None:
    assert acme.run("user", "list", "-t", "nobody", code=1) == "koine: no such tenant\n"


def test_a_user_is_made_and_listed(acme: Terminal) -> None:
    made = acme.json(*ANN)
    assert (made["email"], made["role"]) == ("ann@acme.test", "tenant_admin")
    assert acme.json("user", "list") == [made]


def test_an_email_is_taken_once(acme: Terminal) -> None:
    acme.run(*ANN)
    acme.run(*ANN, code=1)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("user", "create", "no-mail"), 1),
        (("user", "create", "x@y.test", "--role", "manager"), 2),
        (("user", "token"), 1),
        (("user", "token", "nobody@y.test"), 1),
        (("user", "set-password", "nobody@y.test", "--stdin"), 1),
        (("key", "create", "k", "--user", "nobody@y.test"), 1),
        (("key", "create", "k", "--user", "nobody@y.test", "--days", "99999999999"), 2),
        (("key", "revoke", "no-id"), 1),
        (("inbox", "create", "x", "--channel", "fax"), 2),
        (("inbox", "create", "x", "--responder", "no-id"), 1),
        (("tenant", "create", "!!"), 1),
        (("nonsense",), 2),
    ],
)
def test_what_is_refused_and_what_is_wrong_usage(
    acme: Terminal, words: tuple[str, ...], code: int
) -> None:
    said = acme.run(*words, code=code, input="a long enough password\n")
    assert "Traceback" not in said


def test_a_short_password_is_refused(acme: Terminal) -> None:
    acme.run(*ANN)
    said = acme.run("user", "set-password", "ann@acme.test", "--stdin", input="short\n", code=1)
    assert "12 characters" in said


def test_a_password_is_asked_for_twice(acme: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    acme.run(*ANN)
    typed = ["a long enough password", "a long enough pasword", *["a long enough password"] * 2]
    monkeypatch.setattr("getpass.getpass", lambda _prompt: typed.pop(0))
    assert "password set" in acme.run("user", "set-password", "ann@acme.test")
    assert acme.errors == "the two are not the same\n" and typed == []


def test_the_output_of_a_token_command_is_only_the_token(acme: Terminal) -> None:
    acme.run(*ANN)
    assert acme.run("user", "token", "ann@acme.test").count(".") == 2
    assert acme.run("user", "token", "--system-admin").count("\n") == 1


def test_a_key_is_shown_once_and_revoked(acme: Terminal) -> None:
    acme.run(*ANN)
    made = acme.json("key", "create", "CRM", "--user", "ann@acme.test", "--days", "7")
    assert made["api_key"].startswith("sk_live_")
    acme.run("key", "take-over", made["id"])
    acme.run("key", "revoke", made["id"])
    acme.run("key", "take-over", made["id"], code=1)
    (listed,) = acme.json("key", "list")
    assert listed["revoked_at"] and listed["prefix"] == made["api_key"][:16]


@pytest.mark.parametrize("command", ["revoke", "take-over"])
@pytest.mark.parametrize("key_id", ["sk_live_x", "00000000-0000-7000-8000-000000000000"])
def test_an_unknown_key_id_is_refused_with_the_command_that_lists_them(
    acme: Terminal, command: str, key_id: str
) -> None:
    said = acme.run("key", command, key_id, code=1)
    assert said == "koine: no such api key: `koine key list` shows the ids\n"


def test_an_unknown_permission_is_refused(acme: Terminal) -> None:
    acme.run(*ANN)
    words = ("key", "create", "k", "--user", "ann@acme.test", "--permission", "rule:world")
    assert "rule:world" in acme.run(*words, code=1)


def test_an_inbox_is_opened_and_listed(acme: Terminal) -> None:
    made = acme.json("inbox", "create", "Website", "--channel", "widget")
    (listed,) = acme.json("inbox", "list")
    assert listed == {name: made[name] for name in listed}
    assert made["hmac_token"] not in acme.run("inbox", "list")


def test_output_to_a_pipe_is_not_truncated(acme: Terminal) -> None:
    name = "A rather long name of an inbox " * 5
    acme.run("inbox", "create", name)
    assert name.strip() in acme.run("inbox", "list")
