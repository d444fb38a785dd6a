"""The file with the demonstration's credentials, and what is printed from it."""

import os
import stat
import sys
from pathlib import Path

import msgspec
import pytest

from koine.demo import credentials, env
from koine.demo.credentials import DemoFile
from koine.demo.example_calls import CALLS, examples
from koine.demo.output import CREDENTIALS, all_examples, summary

TENANT_CREDENTIALS = credentials.Credentials(
    "t",
    credentials.DeliveryCredentials(
        credentials.Tokens("a", "d", "dr", "c", "o"),
        [credentials.UnusedDelivery("p", "ORD-1", "Ann Lee")],
    ),
    credentials.HelpdeskCredentials("k", "r", "i", "c", "u"),
    credentials.ChatsCredentials("k", "ch", "o", "re"),
    credentials.InboxCredentials("in", "co", "h"),
    credentials.NativeCredentials("e@x.test", "pass word"),
)
TENANT = credentials.DemoTenant(
    TENANT_CREDENTIALS, credentials.ExampleConversations("1", "2", "3", 4), {}
)
KEPT = DemoFile(1, TENANT, TENANT, "http://koine.test")


def test_only_the_owner_of_the_file_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "demo.json"
    credentials.write(path, KEPT)
    assert credentials.read(path) == KEPT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("text", [None, "", "{", "{}", "[]"])
def test_an_unreadable_file_is_none(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "demo.json"
    if text is not None:
        path.write_text(text)
    assert credentials.read(path) is None


def test_the_printed_object() -> None:
    shown = msgspec.json.decode(msgspec.json.encode(credentials.as_json(KEPT, "http://x")))
    rival = shown.pop("rival")
    assert shown.pop("base_url") == "http://x"
    assert shown == rival
    assert shown == {
        "tenant_id": "t",
        "delivery": {
            "tokens": {
                "admin": "a", "dispatcher": "d", "driver": "dr", "customer": "c", "outsider": "o",
            },
            "deliveries": [
                {"id": "p", "external_reference_id": "ORD-1", "customer_name": "Ann Lee"}
            ],
        },
        "helpdesk": {
            "api_key": "k", "read_only_key": "r", "inbox_id": "i", "customer_id": "c",
            "user_id": "u",
        },
        "chats": {"api_key": "k", "channel_id": "ch", "owner_id": "o", "responder_id": "re"},
        "inbox": {"inbox_identifier": "in", "contact_identifier": "co", "hmac_token": "h"},
        "native": {"email": "e@x.test", "password": "pass word"},
    }  # fmt: skip


def test_exports_are_quoted_for_a_shell() -> None:
    lines = env.exports(TENANT, "http://x").split("\n")
    assert "export password='pass word'" in lines
    assert "export ONDI_BASE_URL=http://x" in lines


def test_every_documented_call_has_an_example() -> None:
    count = {
        name: sum(call.dialect == name for call in CALLS)
        for name in ("delivery", "helpdesk", "chats", "inbox")
    }
    assert count == {"delivery": 5, "helpdesk": 5, "chats": 7, "inbox": 12}


def test_the_values_of_examples_are_filled_in() -> None:
    for example in examples(TENANT, "http://x"):
        assert "$" not in example.command and "http://x/" in example.command


def test_a_value_with_quotes_is_not_printed_in_a_command() -> None:
    with pytest.raises(ValueError):
        examples(TENANT, 'http://x"; rm -r /')


def test_each_dialect_is_shown_with_its_credentials() -> None:
    text = all_examples(TENANT, "http://x", "my data")
    for dialect in ("delivery", "helpdesk", "chats", "inbox", "native"):
        assert f"# ---- {dialect}\n# " in text
    assert "koine demo --env --data 'my data'" in text


def test_commands_name_the_program_by_its_path_where_the_search_path_does_not_have_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    program = os.path.relpath(Path(sys.executable).with_name("koine"))
    assert f'eval "$({program} demo --env --data d)"' in all_examples(TENANT, "http://x", "d")
    assert f"{program} demo --data d" in summary(TENANT, "http://x", "d")


def test_the_start_prints_the_logins_and_urls() -> None:
    text = summary(TENANT, "http://x", "my data")
    assert len(text.splitlines()) <= 25
    rows = [line.split() for line in text.splitlines()]
    values = env.variables(TENANT, "http://x")
    for name in CREDENTIALS:
        row = next(row for row in rows if row[:1] == [name])
        assert row[-1] == values[name].split()[-1]
    assert "http://x/docs" in text
    assert "koine demo --data 'my data'" in text and "--env" in text


def test_the_file_keeps_the_names_that_older_versions_stored(tmp_path: Path) -> None:
    path = tmp_path / credentials.FILE
    credentials.write(path, KEPT)
    assert set(msgspec.json.decode(path.read_bytes())["demo"]) == {"doors", "talks", "people"}
    assert credentials.read(path) == KEPT
