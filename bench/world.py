"""The made-up tenant that is measured: how large it is, and the ids of what is in it.

Ids are numbers in the form of a UUIDv7, growing as real ones do, so that the database makes them
by itself and the harness knows them without asking.
"""

from msgspec import Struct

BASE = 1_735_689_600_000_000
"""When the world begins: 2025-01-01, in µs."""
STEP = 1_000
"""Microseconds between two messages of the world."""
AGENTS = 20
INBOXES = 5
SEQ_BITS = 20
TENANT, PERSON, INBOX, CONVERSATION, MESSAGE, FRESH = range(1, 7)
"""What an id is of; FRESH are the messages that are sent while measuring."""
ADMIN, RESPONDER, FIRST_AGENT = 1, 2, 3
FIRST_DRIVER = FIRST_AGENT + AGENTS


class World(Struct, frozen=True):
    """So many conversations, each of a driver and a customer, taken in turn.

    Conversation 1 has `deep` messages, the others `messages` each. With `closed`, four of ten are
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
        """Number of the first customer among the people."""
        return FIRST_DRIVER + self.drivers

    @property
    def people(self) -> int:
        """How many people there are: numbers 1 to this."""
        return self.first_customer + self.customers - 1

    def driver_of(self, conversation: int) -> int:
        """Number of the driver of a conversation."""
        return FIRST_DRIVER + conversation % self.drivers

    def customer_of(self, conversation: int) -> int:
        """Number of the customer of a conversation."""
        return self.first_customer + conversation % self.customers

    def tenant_id(self) -> str:
        """The tenant."""
        return uuid(TENANT, self.conversations)


def uuid(family: int, number: int) -> str:
    """The id of the thing with this number."""
    return f"{prefix(family)}{number:012x}"


def prefix(family: int) -> str:
    """What every id of a kind of thing begins with."""
    return f"00000000-0000-7000-8{family:03x}-"


TINY = World(conversations=120, messages=20, drivers=2, customers=12, deep_messages=40)
"""What the short form of each command measures: that it runs, and no figures."""
SMALL = World(conversations=10_000, messages=20, drivers=100, customers=1_000, deep_messages=20)
"""What `python -m bench` measures sends and lists in."""
TYPICAL = World(
    conversations=10_000,
    messages=10,
    drivers=50,
    customers=1_000,
    deep_messages=20_000,
    closed=True,
)
LARGE = World(
    conversations=1_000_000,
    messages=10,
    drivers=50,
    customers=100_000,
    deep_messages=20_000,
    closed=True,
)
"""What `python -m bench.large` compares: a person's list grows with the tenant."""
