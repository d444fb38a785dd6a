"""Every column is in the list of personal data."""

from pathlib import Path

import pytest

from koine.store.personal_data import inventory
from koine.store.tables import metadata


def test_every_column_is_classified() -> None:
    assert inventory.unclassified() == []


@pytest.mark.parametrize("listed", ["name", "name email invented", "name name email"])
def test_a_forgotten_an_invented_and_a_doubled_column_are_reported(
    monkeypatch: pytest.MonkeyPatch, listed: str
) -> None:
    monkeypatch.setitem(inventory.ERASED, "logins", {"deleted": f"{listed} password_hash"})
    assert inventory.unclassified() != []


def test_every_table_is_on_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "personal-data.md").read_text()
    rows = "\n".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert [name for name in metadata.tables if f"`{name}`" not in rows] == []
