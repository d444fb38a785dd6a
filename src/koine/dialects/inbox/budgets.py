"""How much strangers may make: rows and bytes, by address, contact and inbox.

Whoever knows an inbox's identifier may write. The counters are of one process and begin anew with
it; each hour, or day, is one of UTC. An inbox that trusts its clients is called by a server: there
an address counts for nothing.
"""

from koine.dialects.inbox.auth import entry_of, survey_of
from koine.engine.contacts.rights import is_trusting
from koine.http.rate_limits import WindowBudget
from koine.http.request import AnyRequest
from koine.kit.times import DAY, HOUR
from koine.model.inbox import Inbox

WRITES = ("POST", "PATCH", "PUT")
CALL_COSTS = 2048
"""Bytes that a call which writes counts, beside twice those of its text: as much as the rows it
makes have, with their indexes and events."""


class Budgets:
    """What this process has counted."""

    def __init__(self) -> None:
        # Each has its own memory: what strangers make up displaces no counter of an inbox.
        self._bytes_of_addresses = WindowBudget(HOUR)
        self._bytes_of_inboxes = WindowBudget(DAY)
        self._contacts_of_addresses = WindowBudget(HOUR)
        self._contacts_of_inboxes = WindowBudget(DAY)
        self._conversations = WindowBudget(HOUR)

    def charge_write_budget(self, call: AnyRequest) -> None:
        """Count what a call may write; one that only reads, or types, writes nothing. Raises
        TooMany."""
        if call.method not in WRITES or call.route is None or not call.route.idempotent:
            return
        limits, now, inbox = call.engine.settings, call.engine.clock.now(), _inbox(call)
        size = CALL_COSTS + 2 * call.payload_bytes
        if not is_trusting(inbox):
            most = limits.inbox_bytes_per_address
            self._bytes_of_addresses.spend(call.rate_limit_ip, size, most, now)
        self._bytes_of_inboxes.spend(inbox.id, size, limits.inbox_bytes_per_inbox, now)

    def admit_contact(self, call: AnyRequest) -> None:
        """Count a contact that is about to be made. Raises TooMany."""
        limits, now, inbox = call.engine.settings, call.engine.clock.now(), entry_of(call).inbox
        if not is_trusting(inbox):
            most = limits.inbox_contacts_per_address
            self._contacts_of_addresses.spend(call.rate_limit_ip, 1, most, now)
        self._contacts_of_inboxes.spend(inbox.id, 1, limits.inbox_contacts_per_inbox, now)

    def admit_conversation(self, call: AnyRequest) -> None:
        """Count a conversation that is about to be opened. Raises TooMany."""
        most, now = call.engine.settings.inbox_conversations_per_contact, call.engine.clock.now()
        self._conversations.spend(entry_of(call).contact_at_inbox[1].id, 1, most, now)


def budgets_of(call: AnyRequest) -> Budgets:
    """The counters of the call's dialect."""
    found = call.dialect_notes["budgets"]
    assert isinstance(found, Budgets)
    return found


def _inbox(call: AnyRequest) -> Inbox:
    return entry_of(call).inbox if "entry" in call.dialect_notes else survey_of(call).inbox
