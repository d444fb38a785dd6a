"""The generated tenant that is measured: its size, and the ids of its rows.

Ids are numbers in the form of a UUIDv7 and grow as real ones do: the number stands in the digits of
the time, which an import with new ids keeps. The SQL of `bench.seed` and the benchmark compute the
same id from the number of a row.
"""

from msgspec import Struct

BASE = 1_735_689_600_000_000
"""The time of the first message: 2025-01-01, in µs."""
STEP = 1_000
"""Microseconds between two messages."""
AGENTS = 20
INBOXES = 5
SEQ_BITS = 20
FIRST_SENT = 1 << 40
"""The number of the first message that a ceiling sends: after all others, before today's ids."""
TENANT, PERSON, INBOX, CONVERSATION, MESSAGE = range(1, 6)
"""The kinds of ids."""
ADMIN, RESPONDER, FIRST_AGENT = 1, 2, 3
FIRST_DRIVER = FIRST_AGENT + AGENTS


class TenantSize(Struct, frozen=True):
    """The size of a tenant. Each conversation has a driver and a customer, assigned in turn.

    Conversation 1 has `deep_messages`, each other `messages`. With `closed`, four of ten are
    closed. Odd messages are the customer's, even ones the driver's.
    """

    conversations: int
    messages: int
    drivers: int
    customers: int
    deep_messages: int
    closed: bool = False

    @property
    def first_customer(self) -> int:
        """The number of the first customer among the people."""
        return FIRST_DRIVER + self.drivers

    @property
    def people(self) -> int:
        """The number of people."""
        return self.first_customer + self.customers - 1

    def driver_of(self, conversation: int) -> int:
        """The number of the driver of a conversation."""
        return FIRST_DRIVER + conversation % self.drivers

    def customer_of(self, conversation: int) -> int:
        """The number of the customer of a conversation."""
        return self.first_customer + conversation % self.customers

    def tenant_id(self) -> str:
        """The id of the tenant."""
        return uuid(TENANT, self.conversations)


def uuid(kind: int, number: int) -> str:
    """The id of the row with this number."""
    time = f"{number:012x}"
    return f"{time[:8]}-{time[8:]}-{id_ending(kind)}"


def id_ending(kind: int) -> str:
    """What follows the number in every id of a kind."""
    return f"7000-8{kind:03x}-000000000000"


TINY = TenantSize(conversations=120, messages=20, drivers=2, customers=12, deep_messages=40)
"""For the short form of each command, which tests that it runs."""
SMALL = TenantSize(
    conversations=10_000, messages=20, drivers=100, customers=1_000, deep_messages=20
)
"""The tenant of `python -m bench`."""
TYPICAL = TenantSize(
    conversations=10_000,
    messages=10,
    drivers=50,
    customers=1_000,
    deep_messages=20_000,
    closed=True,
)
LARGE = TenantSize(
    conversations=1_000_000,
    messages=10,
    drivers=50,
    customers=100_000,
    deep_messages=20_000,
    closed=True,
)
"""`python -m bench.large` compares this with TYPICAL: a driver's list grows with the tenant."""
