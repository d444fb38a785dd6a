"""What the demonstration opens: credentials and ids, as `koine demo --json` prints them."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct, field

FILE = "demo.json"


class Tokens(Struct, frozen=True):
    """Access tokens, for 30 days. `outsider` takes part in nothing."""

    admin: str
    dispatcher: str
    driver: str
    customer: str
    outsider: str


class UnusedDelivery(Struct, frozen=True):
    """A delivery of the driver's and the customer's that has no conversation yet."""

    id: str
    external_reference_id: str
    customer_name: str


class DeliveryCredentials(Struct, frozen=True):
    """Into the delivery dialect."""

    tokens: Tokens
    deliveries: list[UnusedDelivery]


class HelpdeskCredentials(Struct, frozen=True):
    """Into the helpdesk dialect; `user_id` is who conversations may be assigned to."""

    api_key: str
    read_only_key: str
    inbox_id: str
    customer_id: str
    user_id: str


class ChatsCredentials(Struct, frozen=True):
    """Into the chats dialect."""

    api_key: str
    channel_id: str
    owner_id: str
    responder_id: str


class InboxCredentials(Struct, frozen=True):
    """Into the inbox dialect; `hmac_token` signs identifiers of its contacts."""

    inbox_identifier: str
    contact_identifier: str
    hmac_token: str


class NativeCredentials(Struct, frozen=True):
    """Into the native API: a tenant administrator's login."""

    email: str
    password: str


class Credentials(Struct, frozen=True):
    """The credentials of one tenant, for every dialect."""

    tenant_id: str
    delivery: DeliveryCredentials
    helpdesk: HelpdeskCredentials
    chats: ChatsCredentials
    inbox: InboxCredentials
    native: NativeCredentials


class ExampleConversations(Struct, frozen=True):
    """The conversations of the printed examples, one for each dialect; the administrator takes part
    in `delivery`, the public contact owns `inbox` (its number)."""

    delivery: str
    helpdesk: str
    chats: str
    inbox: int


class DemoTenant(Struct, frozen=True):
    """One tenant of the demonstration; `people` are the ids of those who have tokens. The file has
    the former names of two fields, so that older files can still be read."""

    credentials: Credentials = field(name="doors")
    examples: ExampleConversations = field(name="talks")
    people: dict[str, str]


class DemoFile(Struct, frozen=True):
    """The content of demo.json. `made_at` is when its tokens were issued, µs; `base_url` is where
    the demonstration was served last, empty before."""

    made_at: int
    demo: DemoTenant
    rival: DemoTenant
    base_url: str = ""


def as_json(kept: DemoFile, base_url: str) -> dict[str, object]:
    """The object of `koine demo --json`."""
    demo = {name: getattr(kept.demo.credentials, name) for name in Credentials.__struct_fields__}
    return {"base_url": base_url, **demo, "rival": kept.rival.credentials}


def read(path: Path) -> DemoFile | None:
    """Read the file; None when it does not exist or cannot be decoded."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=DemoFile)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write(path: Path, kept: DemoFile) -> None:
    """Write the file atomically, readable only by its owner. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n")
    beside.replace(path)
