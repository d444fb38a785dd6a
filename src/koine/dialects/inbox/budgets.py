"""How much clients may create: rows and bytes, by address, contact and inbox.

An inbox's public identifier is enough to write, so what anonymous clients store must be bounded.
The counters belong to one process and start at zero with it; each window is an hour or a day of
UTC. An inbox that trusts its clients is called by the tenant's server, so its address is not
counted.
"""

from koine.dialects.inbox.auth import contact_caller, survey_page
from koine.engine.contacts.rights import is_trusting
from koine.http.rate_limits import WindowBudget
from koine.http.request import AnyRequest
from koine.kit.times import DAY, HOUR
from koine.model.inbox import Inbox

_WRITE_METHODS = ("POST", "PATCH", "PUT")
_BYTES_PER_WRITE = 2048
"""What a write counts besides twice the bytes of its text: about the size of the rows it creates,
with their indexes and events."""


class Budgets:
    """What this process has counted."""

    def __init__(self) -> None:
        # A WindowBudget forgets the oldest counters when it is full. Each has its own, so that
        # addresses and contacts, which clients can make up, never displace the counter of an inbox.
        self._bytes_of_addresses = WindowBudget(HOUR, "bytes")
        self._bytes_of_inboxes = WindowBudget(DAY, "bytes")
        self._contacts_of_addresses = WindowBudget(HOUR, "contacts")
        self._contacts_of_inboxes = WindowBudget(DAY, "contacts")
        self._conversations = WindowBudget(HOUR, "conversations")

    def charge_write_budget(self, request: AnyRequest) -> None:
        """Count the bytes that a request may write; reading and typing write none. Raises
        TooMany."""
        if (
            request.method not in _WRITE_METHODS
            or request.route is None
            or not request.route.idempotent
        ):
            return
        limits, now, inbox = request.engine.settings, request.engine.clock.now(), _inbox(request)
        size = _BYTES_PER_WRITE + 2 * request.payload_bytes
        if not is_trusting(inbox):
            most = limits.inbox_bytes_per_address
            self._bytes_of_addresses.spend(request.rate_limit_ip, size, most, now)
        self._bytes_of_inboxes.spend(inbox.id, size, limits.inbox_bytes_per_inbox, now)

    def admit_contact(self, request: AnyRequest) -> None:
        """Count a contact that is about to be created. Raises TooMany."""
        limits, now = request.engine.settings, request.engine.clock.now()
        inbox = contact_caller(request).inbox
        if not is_trusting(inbox):
            most = limits.inbox_contacts_per_address
            self._contacts_of_addresses.spend(request.rate_limit_ip, 1, most, now)
        self._contacts_of_inboxes.spend(inbox.id, 1, limits.inbox_contacts_per_inbox, now)

    def admit_conversation(self, request: AnyRequest) -> None:
        """Count a conversation that is about to be created. Raises TooMany."""
        most, now = (
            request.engine.settings.inbox_conversations_per_contact,
            request.engine.clock.now(),
        )
        contact = contact_caller(request).contact_at_inbox[1]
        self._conversations.spend(contact.id, 1, most, now)


def budgets_of(request: AnyRequest) -> Budgets:
    """The counters of the request's dialect."""
    found = request.dialect_notes["budgets"]
    assert isinstance(found, Budgets)
    return found


def _inbox(request: AnyRequest) -> Inbox:
    if "contact_caller" in request.dialect_notes:
        return contact_caller(request).inbox
    return survey_page(request).inbox
