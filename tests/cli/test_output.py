"""What commands print for people."""

import pytest

from koine.cli import output


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "yes"),
        (False, "no"),
        (None, ""),
        (7, "7"),
        ([], ""),
        (["a", True], "a, yes"),
        ({"audit_entries": 2, "files": 0, "kinds": ["a", "b"]}, "audit entries: 2, kinds: a, b"),
        ({"files": 0}, ""),
    ],
)
def test_values_are_words(value: object, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert output.in_words(value) == said
    output.print_fields({"name": value})
    assert capsys.readouterr().out == f"name  {said}".rstrip() + "\n"
    output.print_rows(["what"], [{"name": value}], as_json=False)
    assert capsys.readouterr().out == f"what\n{said}\n"
