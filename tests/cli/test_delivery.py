"""The command `delivery import`: it saves the deliveries of a file, and names invalid lines."""

import json
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal


@pytest.fixture
def customer(acme: Terminal) -> str:
    return str(acme.json("user", "create", "cleo@acme.test")["id"])


def test_ndjson_is_saved_and_saved_again(acme: Terminal, customer: str, tmp_path: Path) -> None:
    file = tmp_path / "in.ndjson"
    rows = [{"external_reference_id": f"R{n}", "customer_id": customer} for n in range(1200)]
    file.write_text("\n\n".join(json.dumps(row) for row in rows))
    assert acme.json("delivery", "import", str(file)) == {"new": 1200, "known": 0}
    assert acme.json("delivery", "import", str(file)) == {"new": 0, "known": 1200}


def test_csv_is_saved(acme: Terminal, customer: str, tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text(f"external_reference_id,customer_id,driver_id,more\nR1,{customer},,x\n")
    assert "1 new, 0 known" in acme.run("delivery", "import", str(file))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.ndjson", '{"external_reference_id": 1}', "line 1"),
        ("a.ndjson", "\n{nonsense", "line 2"),
        ("a.ndjson", '{"customer_id": "no-id"}', "line 1: customer_id is no UUID"),
        ("a.ndjson", '{"external_reference_id": "R"}', "is required"),
        ("a.csv", "customer_id\nno-id\n", "line 2"),
        ("a.ndjson", b"\xff", "not UTF-8"),
    ],
)
def test_a_bad_line_is_named(
    acme: Terminal, tmp_path: Path, name: str, text: str | bytes, said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert said in acme.run("delivery", "import", str(file), code=1)


def test_a_file_that_is_not_there_is_wrong_usage(acme: Terminal) -> None:
    acme.run("delivery", "import", "nowhere.csv", code=2)
