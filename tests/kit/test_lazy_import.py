"""A module that is imported when an attribute of it is read."""

import sys
from pathlib import Path

import pytest

from koine.kit.lazy_import import LazyModule


def test_a_module_is_imported_when_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "heavy_thing.py").write_text("ANSWER = 42")
    monkeypatch.syspath_prepend(tmp_path)
    heavy = LazyModule("heavy_thing")
    assert "heavy_thing" not in sys.modules
    assert heavy.ANSWER == 42


def test_a_missing_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        _ = LazyModule("json").nonsense
