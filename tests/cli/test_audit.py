"""The command `audit`: which entries it prints, and that it follows the log."""

import asyncio
import json

import pytest

from koine.cli import audit
from koine.engine import tenants
from koine.engine.tenants import TenantChanges
from koine.kit import logs
from koine.model.actor import operator
from tests.cast import Cast
from tests.cli.terminal import Terminal


def test_entries_are_printed_oldest_first_and_filtered(acme: Terminal) -> None:
    ann = acme.json("user", "create", "ann@acme.test")
    acme.run("user", "create", "bob@acme.test")
    acme.run("key", "create", "k", "--user", "bob@acme.test")
    entries = [json.loads(line) for line in acme.run("audit", "--json").splitlines()]
    assert [(e["action"], e["noun"]) for e in entries] == [
        ("create", "tenant"), ("create", "user"), ("create", "user"), ("create", "api_key"),
    ]  # fmt: skip
    assert acme.run("audit", "--limit", "1") == acme.run("audit").splitlines()[-1] + "\n"
    (about,) = acme.run("audit", "--user", "ann@acme.test").splitlines()
    assert ann["id"] in about
    assert acme.run("audit", "--action", "remove") == ""
    assert len(acme.run("audit", "--since", "1h").splitlines()) == 4
    assert acme.run("audit", "--since", "2999-01-01") == ""


class OfRequest:
    """As in a request with this `X-Request-Id`."""

    request_id = "made-by-me"

    def log_context(self) -> dict[str, str]:
        return {"request_id": self.request_id}


def test_what_one_request_did_is_found(acme: Terminal) -> None:
    token = logs.current.set(OfRequest())
    try:
        ann = acme.json("user", "create", "ann@acme.test")
    finally:
        logs.current.reset(token)
    acme.run("user", "create", "bob@acme.test")
    (line,) = acme.run("audit", "--request", "made-by-me", "--json").splitlines()
    entry = json.loads(line)
    assert (entry["noun_id"], entry["request_id"]) == (ann["id"], "made-by-me")
    assert acme.run("audit", "--request", "made-by-you") == ""


def test_a_time_that_is_none_is_refused(acme: Terminal) -> None:
    for since in ("yesterday", "2h30", "2026-13-01"):
        assert "is no time" in acme.run("audit", "--since", since, code=1)


async def test_new_entries_are_printed_once_when_they_are_there(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "POLL_SECONDS", 0.01)
    admin = operator(cast.acme.tenant.id)
    filters = audit._Filters()
    entries = audit._entries(cast.engine, admin, filters, 1, follow=True)
    first = await anext(entries)
    names = []
    for name in ("One", "Two"):
        await tenants.change(cast.engine, admin, TenantChanges(name=name))
        async with asyncio.timeout(30):
            names.append((await anext(entries)).id)
        cast.clock.advance(1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await anext(entries)
    assert len({first.id, *names}) == 3


def test_an_argument_that_is_no_text_is_refused(acme: Terminal) -> None:
    assert "is no text" in acme.run("audit", "--request", "\udcff", code=2)
