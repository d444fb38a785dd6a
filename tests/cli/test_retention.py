"""`koine retention`."""

from typing import Any

from tests.cli.terminal import Terminal


def periods(acme: Terminal) -> dict[str, Any]:
    shown: dict[str, Any] = acme.json("retention", "show")
    return shown


def test_periods_are_set_and_shown(acme: Terminal) -> None:
    acme.run("inbox", "create", "Website")
    assert "forever" in acme.run("retention", "show")
    acme.run("retention", "set", "--messages", "365d", "--conversations", "104w")
    shown = periods(acme)
    assert (shown["periods"]["messages"], shown["periods"]["conversations"]) == (365, 728)
    acme.run("retention", "set", "--inbox", "Website", "--messages", "forever")
    (own,) = periods(acme)["inboxes"].values()
    assert own == {"messages": 0, "conversations": None}
    assert "messages of inbox Website" in acme.run("retention", "show")
    acme.run("retention", "set", "--inbox", "Website", "--messages", "inherit")
    acme.run("retention", "set", "--messages", "forever")
    shown = periods(acme)
    assert (shown["periods"]["messages"], shown["inboxes"]) == (None, {})


def test_what_is_no_period_is_refused(acme: Terminal) -> None:
    refused = "retention", "set"
    assert "name a period" in acme.run(*refused, code=1)
    assert "no number of days" in acme.run(*refused, "--messages", "12h", code=1)
    assert "no duration" in acme.run(*refused, "--messages", "soon", code=1)
    assert "30 to" in acme.run(*refused, "--audit", "7d", code=1)
    assert "no inbox" in acme.run(*refused, "--inbox", "X", "--messages", "7d", code=1)
    assert "only" in acme.run(*refused, "--inbox", "X", "--files", "7d", code=1)


def test_a_run_and_a_dry_run_say_what_they_delete(acme: Terminal) -> None:
    acme.run("retention", "set", "--messages", "30d")
    assert acme.run("retention", "run", "--dry-run").startswith("would delete: 0 messages")
    assert periods(acme)["last_run"] is None
    done = acme.json("retention", "run")
    assert (done["dry_run"], done["deleted"]["messages"]) == (False, 0)
    assert periods(acme)["last_run"]["finished_at"] is not None


def test_a_hold_stops_runs_and_deletions_until_it_is_released(acme: Terminal) -> None:
    acme.run("retention", "set", "--messages", "30d")
    assert "is held: case 4711" in acme.run("retention", "hold", "tenant", "--reason", "case 4711")
    assert "held: tenant" in acme.run("retention", "show")
    assert "legal hold" in acme.run("retention", "run", code=1)
    assert "legal holds" in acme.run("tenant", "delete", "acme", "--yes", code=1)
    assert "give the id" in acme.run("retention", "hold", "contact", "--reason", "x", code=1)
    nobody = "00000000-0000-7000-8000-000000000000"
    assert "no such" in acme.run("retention", "hold", "user", nobody, "--reason", "x", code=1)
    assert "no longer held" in acme.run("retention", "release")
    assert "no such" in acme.run("retention", "release", code=1)
    acme.run("retention", "run")
