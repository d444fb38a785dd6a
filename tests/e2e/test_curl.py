"""The examples of the original API documents, unchanged but for their placeholders."""
# ruff: noqa: E501

import json
import re
import shlex
import shutil
import subprocess
from typing import Any

import httpx
import pytest

from tests.e2e.koine_process import KoineProcess, koine

CURL = shutil.which("curl")

DELIVERY = {
    "list": r"""
curl --request GET "$ONDI_BASE_URL/messaging/conversations?tenant_id={{tenant_id}}&type=&status=&user_id=&page=1&limit=20" \
  --header "Authorization: Bearer {{access_token}}" \
  --header "Content-Type: application/json"
""",
    "create": r"""
curl --request POST "$ONDI_BASE_URL/messaging/conversations?tenant_id={{tenant_id}}" \
  --header "Authorization: Bearer {{access_token}}" \
  --header "Content-Type: application/json" \
  --header "Content-Type: application/json" \
  --data '{
  "delivery_id": "delivery-uuid",
  "metadata": {
    "order_id": "12345",
    "priority": "high"
  }
}'
""",
    "get": r"""
curl --request GET "$ONDI_BASE_URL/messaging/conversations/:conversationId?tenant_id={{tenant_id}}" \
  --header "Authorization: Bearer {{access_token}}" \
  --header "Content-Type: application/json"
""",
    "messages": r"""
curl --request GET "$ONDI_BASE_URL/messaging/conversations/:conversationId/messages?tenant_id={{tenant_id}}&page=1&limit=20&timestamp_range=" \
  --header "Authorization: Bearer {{access_token}}" \
  --header "Content-Type: application/json"
""",
    "send": r"""
curl --request POST "$ONDI_BASE_URL/messaging/conversations/:conversationId/messages?tenant_id={{tenant_id}}" \
  --header "Authorization: Bearer {{access_token}}" \
  --header "Content-Type: application/json" \
  --header "Content-Type: application/json" \
  --data '{
  "message_type": "text",
  "content": "Hello!",
  "content_url": null,
  "metadata": null,
  "parent_message_id": null
}'
""",
}
INBOX = r"""
curl --request POST \
  --url https://app.omnivibe.com.br/public/api/v1/inboxes/{inbox_identifier}/contacts/{contact_identifier}/conversations \
  --header 'Content-Type: application/json' \
  --data '
{
  "custom_attributes": {}
}
'
"""

# The other two documents have no curl commands.
HELPDESK = "--header 'Authorization: Bearer {{api_key}}' --header 'Content-Type: application/json'"
CHATS = "--header 'authorization: {{chats_api_key}}' --header 'Content-Type: application/json'"


class Shell:
    """Runs commands with the variables of `koine demo --env`."""

    def __init__(self, server: KoineProcess) -> None:
        exports = koine("demo", "--env", "--data", str(server.folder / "data"))
        words = [shlex.split(line)[1] for line in exports.splitlines()]
        self.variables = dict(word.split("=", 1) for word in words)

    def run(self, command: str, **more: str) -> tuple[int, Any]:
        """Fill the placeholders and run the command; return status and JSON."""
        values = self.variables | more
        for name, value in values.items():
            for placeholder in (f"{{{{{name}}}}}", f"{{{name}}}", f":{name}", f"${name}"):
                command = command.replace(placeholder, value)
        command = command.replace("delivery-uuid", values["delivery_id"])
        command = command.replace("https://app.omnivibe.com.br", values["KOINE_URL"])
        assert not re.search(r"\{\{|\$\w", command), command
        words = shlex.split(command.replace("\\\n", " "))
        status, body = _curl(words) if CURL else _httpx(words)
        return status, json.loads(body)


@pytest.fixture(scope="module")
def shell(server: KoineProcess) -> Shell:
    return Shell(server)


def test_delivery_lists_conversations(shell: Shell) -> None:
    status, body = shell.run(DELIVERY["list"])
    assert (status, body["success"], body["page"], body["limit"]) == (200, True, 1, 20)
    assert len(body["conversations"]) == 20 <= body["total"]
    assert {"participants", "latest_message", "unread_count"} <= body["conversations"][0].keys()


def test_delivery_opens_a_conversation_and_then_finds_it(server: KoineProcess) -> None:
    # Listed again: another test may have opened the first delivery's conversation.
    shell = Shell(server)
    status, body = shell.run(DELIVERY["create"])
    made = body["conversation"]
    assert status == 201, f"{body}\n{server.log()[-6000:]}"
    assert (made["type"], made["delivery_id"]) == ("order", shell.variables["delivery_id"])
    assert made["metadata"] == {"order_id": "12345", "priority": "high"}
    assert re.fullmatch(r"#ORD-\w+ - \w.+", made["title"])
    status, body = shell.run(DELIVERY["create"])
    assert (status, body["conversation"]["id"]) == (200, made["id"])


def test_delivery_gets_a_conversation(shell: Shell) -> None:
    status, body = shell.run(DELIVERY["get"])
    assert (status, body["conversation"]["id"]) == (200, shell.variables["conversationId"])
    assert {"name", "email", "avatar"} <= body["conversation"]["participants"][0]["user"].keys()


def test_delivery_sends_a_message_and_lists_it_first(shell: Shell) -> None:
    status, body = shell.run(DELIVERY["send"])
    assert (status, body["success"], body["data"]["content"]) == (201, True, "Hello!")
    status, listed = shell.run(DELIVERY["messages"])
    assert (status, listed["messages"][0]["id"]) == (200, body["data"]["id"])


def test_inbox_creates_a_conversation(shell: Shell) -> None:
    status, body = shell.run(INBOX)
    assert status == 200
    assert list(body) == [
        "id", "uuid", "inbox_id", "contact_last_seen_at", "status", "agent_last_seen_at",
        "messages", "contact",
    ]  # fmt: skip
    assert (body["status"], body["messages"], len(body["contact"])) == ("open", [], 19)


def test_helpdesk_creates_changes_and_deletes_a_conversation(shell: Shell) -> None:
    url = "$KOINE_URL/api/v1/conversations"
    status, listed = shell.run(f"curl '{url}?status=open&inboxId={{{{inbox_id}}}}' {HELPDESK}")
    assert (status, set(listed["pagination"])) == (200, {"total", "page", "limit", "totalPages"})
    new = '{"subject": "Hello", "inboxId": "{inbox_id}", "customerId": "{customer_id}"}'
    status, made = shell.run(f"curl --request POST {url} {HELPDESK} --data '{new}'")
    assert (status, made["data"]["status"], made["data"]["priority"]) == (201, "open", "medium")
    one = f"{url}/{made['data']['_id']}"
    status, found = shell.run(f"curl {one} {HELPDESK}")
    assert (status, found["data"]) == (200, made["data"])
    change = '{"status": "pending", "assignedTo": "{user_id}"}'
    status, changed = shell.run(f"curl --request PUT {one} {HELPDESK} --data '{change}'")
    assert (status, changed["data"]["status"]) == (200, "pending")
    assert changed["data"]["assignedTo"]["_id"] == shell.variables["user_id"]
    status, gone = shell.run(
        f"""curl --request DELETE {one} {HELPDESK} --data '{{"reason":"x"}}'"""
    )
    assert (status, gone["success"], list(gone)) == (200, True, ["success", "message"])


def test_chats_lists_and_details(shell: Shell) -> None:
    url = "$KOINE_URL/api/v1/chats"
    status, listed = shell.run(f"curl '{url}?pageNumber=1&pageSize=5' {CHATS}")
    assert (status, len(listed), len(listed[0])) == (200, 5, 11)
    status, many = shell.run(f"curl '{url}/details?channelIds={{channel_id}}' {CHATS}")
    assert (status, len(many[0])) == (200, 27)
    status, one = shell.run(f"curl '{url}/{{chat_id}}/details' {CHATS}")
    assert (status, one["id"], one.keys()) == (200, shell.variables["chat_id"], many[0].keys())


def test_chats_creates_changes_and_removes_a_chat(shell: Shell) -> None:
    url = "$KOINE_URL/api/v1/chats"
    new = '{"channelId": "{channel_id}", "ownerId": "{owner_id}", "title": null}'
    status, made = shell.run(f"curl --request POST {url} {CHATS} --data '{new}'")
    assert (status, made["responderId"]) == (200, shell.variables["responder_id"])
    one = f"{url}/{made['id']}"
    assert shell.run(f"curl {one} {CHATS}") == (200, made)
    status, changed = shell.run(f"""curl --request PATCH {one} {CHATS} --data '{{"title":"T"}}'""")
    assert (status, changed["title"]) == (200, "T")
    status, gone = shell.run(f"curl --request DELETE {one} {CHATS}")
    assert (status, list(gone)) == (200, ["message"])
    assert shell.run(f"curl {one} {CHATS}")[1]["isRemoved"] is True


def test_the_examples_that_are_printed_all_succeed(server: KoineProcess) -> None:
    printed = koine("demo", "--data", str(server.folder / "data"))
    commands = re.findall(r"^curl (?:.*\\\n)*.*", printed, re.MULTILINE)
    assert len(commands) == 31
    for command in commands:
        words = shlex.split(command.replace("\\\n", " "))
        status, body = _curl(words) if CURL else _httpx(words)
        assert status in (200, 201), (command, body)


def _curl(words: list[str]) -> tuple[int, str]:
    """Run the system's curl; the status is written after the body."""
    command = [str(CURL), "--silent", "--write-out", "\n%{http_code}", *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def _httpx(words: list[str]) -> tuple[int, str]:
    """Send the request of a curl command on machines without curl."""
    method, url, data, headers = "", "", None, {}
    rest = iter(words[1:])
    for word in rest:
        if word == "--request":
            method = next(rest)
        elif word == "--header":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word == "--data":
            data = next(rest)
        else:
            url = next(rest) if word == "--url" else word
    method = method or ("GET" if data is None else "POST")
    answer = httpx.request(method, url, headers=headers, content=data)
    return answer.status_code, answer.text


def test_without_curl_the_same_is_sent(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.CURL", None)
    assert shell.run(DELIVERY["send"])[0] == 201
    assert shell.run(INBOX)[0] == 200
