"""Random requests of an attacker neither read nor change another contact."""

import pytest

from koine.engine.contacts import callers, merge
from koine.engine.contacts.callers import ContactCaller
from koine.kit.tokens import hmac_hex
from tests.dialects.inbox.attacker import OWN, leaks
from tests.dialects.inbox.conftest import InboxClient

SEQUENCES = {"sqlite": 40, "postgres": 10}
"""By database: the rules are above it, and its statements are few."""
STEPS = 25


async def test_no_sequence_of_an_attackers_requests_reads_or_changes_another_contact(
    inbox_client: InboxClient,
) -> None:
    found = {
        seed: lines
        for seed in range(SEQUENCES[inbox_client.cast.engine.db.kind])
        if (lines := await leaks(inbox_client, seed, STEPS))
    }
    assert not found


async def test_a_proof_that_is_not_bound_to_its_identifier_is_found(
    inbox_client: InboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = callers.is_hash_of

    def unbound(caller: ContactCaller, identifier: str | None, shown: str | None) -> bool:
        own = {hmac_hex(token, OWN) for token in caller.hmac_tokens}
        return shown in own or bound(caller, identifier, shown)

    for module in (callers, merge):
        monkeypatch.setattr(module, "is_hash_of", unbound)
    found: list[str] = []
    for seed in range(SEQUENCES["sqlite"]):
        found += await leaks(inbox_client, seed, STEPS)
        if any(line.startswith("read") for line in found):
            return
    pytest.fail("nothing was read")
