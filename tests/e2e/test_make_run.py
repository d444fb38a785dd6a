"""The process that `make run` starts: it serves the demonstration until a signal."""

import stat
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.e2e.koine_process import ENV, KoineProcess, koine, koine_program, served


def get(server: KoineProcess, path: str, **headers: str) -> httpx.Response:
    return httpx.get(server.url + path, headers=headers)


def test_it_is_alive_and_ready(server: KoineProcess) -> None:
    assert get(server, "/livez").json() == {"status": "ok"}
    checks = get(server, "/readyz").json()["checks"]
    assert [(check["name"], check["ok"]) for check in checks] == [
        ("database", True),
        ("schema", True),
        ("files", True),
        ("events", True),
    ]


def test_each_dialect_answers_its_first_call(server: KoineProcess) -> None:
    demo = server.demo
    admin = f"Bearer {demo['delivery']['tokens']['admin']}"
    delivery = get(server, "/messaging/conversations", Authorization=admin).json()
    helpdesk = get(
        server, "/api/v1/conversations", Authorization=f"Bearer {demo['helpdesk']['api_key']}"
    ).json()
    chats = get(server, "/api/v1/chats", authorization=demo["chats"]["api_key"]).json()
    assert delivery["total"] == helpdesk["pagination"]["total"] >= 120
    assert len(chats) == 10
    public = f"/public/api/v1/inboxes/{demo['inbox']['inbox_identifier']}"
    contact = f"{public}/contacts/{demo['inbox']['contact_identifier']}"
    assert get(server, f"{contact}/conversations").json()[0]["messages"]


def test_the_native_login_opens_the_native_api(server: KoineProcess) -> None:
    login = server.demo["native"]
    answer = httpx.post(f"{server.url}/v1/auth/login", json=login)
    token = answer.json()["access_token"]
    assert get(server, "/v1/conversations", Authorization=f"Bearer {token}").status_code == 200


def test_the_other_tenants_keys_open_the_other_tenant_alone(server: KoineProcess) -> None:
    demo = server.demo
    key = f"Bearer {demo['rival']['helpdesk']['api_key']}"
    theirs = get(server, "/api/v1/conversations", Authorization=key).json()["pagination"]["total"]
    path = f"/api/v1/conversations?inboxId={demo['helpdesk']['inbox_id']}"
    assert 0 < theirs < 120
    assert get(server, path, Authorization=key).json()["pagination"]["total"] == 0


def test_it_prints_a_screen_with_the_url_and_the_credentials(server: KoineProcess) -> None:
    demo = server.demo
    assert f"Koine serves {server.url}" in server.output
    assert demo["base_url"] == server.url
    for given in (
        demo["helpdesk"]["api_key"], demo["chats"]["api_key"], demo["native"]["password"],
        demo["inbox"]["inbox_identifier"], demo["delivery"]["tokens"]["admin"],
    ):  # fmt: skip
        assert given in server.output
    assert len(server.output.splitlines()) <= 30


@pytest.mark.parametrize(
    ("label", "answer"), [("", '"success":true'), ("3. Print a curl for each call: ", "# Log in")]
)
def test_the_printed_commands_work(server: KoineProcess, label: str, answer: str) -> None:
    lines = [line.strip() for line in server.output.splitlines()]
    command = next(line for line in lines if line.startswith(label or "curl -s"))
    done = subprocess.run(
        ["bash", "-c", command.removeprefix(label)],
        cwd=server.folder, env=ENV, capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert answer in done.stdout


def test_documents_and_their_page(server: KoineProcess) -> None:
    documents = get(server, "/openapi.json").json()["documents"]
    assert {each["name"] for each in documents} == {
        "delivery", "helpdesk", "chats", "inbox", "native",
    }  # fmt: skip
    assert get(server, "/docs").status_code == 200


def test_responses_do_not_name_the_server_software(server: KoineProcess) -> None:
    assert "server" not in get(server, "/livez").headers


def test_only_the_owner_can_read_the_files(server: KoineProcess) -> None:
    for name in ("koine.db", "demo.json"):
        mode = (server.folder / "data" / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_the_command_line_works_beside_it(server: KoineProcess) -> None:
    koine_program("tenant", "create", "Beside", "--data", str(server.folder / "data"))
    assert "beside" in koine("tenant", "list", "--data", str(server.folder / "data"))


def test_a_second_server_on_the_same_file_is_refused(server: KoineProcess, tmp_path: Path) -> None:
    second = served(tmp_path, "--data", str(server.folder / "data"))
    with pytest.raises(AssertionError, match="another process serves"), second:
        pass


def test_it_stops_on_a_signal_and_starts_again(tmp_path: Path) -> None:
    with served(tmp_path) as first:
        before = first.demo
        assert first.stop() == 0
    with served(tmp_path) as second:
        assert second.demo | {"base_url": ""} == before | {"base_url": ""}
        assert second.stop() == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
