"""Every column is in the list of personal data."""

import pytest

from koine.store.personal_data import inventory


def test_every_column_is_classified() -> None:
    assert inventory.unclassified() == []


@pytest.mark.parametrize("listed", ["name", "name email invented", "name name email"])
def test_a_forgotten_an_invented_and_a_doubled_column_are_reported(
    monkeypatch: pytest.MonkeyPatch, listed: str
) -> None:
    monkeypatch.setitem(inventory.ERASED, "logins", {"deleted": f"{listed} password_hash"})
    assert inventory.unclassified() != []
