"""The requests of the load generator, in the delivery dialect (docs/dialects/delivery.md)."""

import json
from pathlib import Path

from msgspec import Struct

from bench.generator import Generator, get, post
from bench.seed import token_claims
from bench.server import SECRET, Server
from bench.sqlite import CONTENT
from bench.tenant_size import ADMIN, CONVERSATION, TenantSize, uuid
from koine.engine.core.engine import ISSUER
from koine.engine.verification.jwt import TokenSigner
from koine.kit.clock import SystemClock

DAY_S = 86_400
PAGE = 20
LIST = f"/messaging/conversations?limit={PAGE}"
BODY = {"message_type": "text", "content": CONTENT}


class Calls(Struct, frozen=True):
    """Files of requests for the load generator, and the tokens of an administrator and a driver."""

    send: Path
    send_hot: Path
    send_keyed: Path
    list_own: Path
    list_all: Path
    list_messages: Path
    admin: str
    driver: str


def prepare(generator: Generator, size: TenantSize) -> Calls:
    """Write the files: each driver sends to its own conversations and lists them."""
    signer = TokenSigner(SECRET, ISSUER, ISSUER, SystemClock())
    drivers = {
        number: signer.sign(token_claims(size, number, "driver"), DAY_S)
        for number in {size.driver_of(n) for n in range(size.drivers)}
    }
    admin = signer.sign(token_claims(size, ADMIN, "tenant_admin"), DAY_S)
    token_of = {n: drivers[size.driver_of(n)] for n in range(1, size.conversations + 1)}
    return Calls(
        send=generator.prepare("send", (post(messages(n), t, BODY) for n, t in token_of.items())),
        send_hot=generator.prepare("send-hot", [post(messages(1), token_of[1], BODY)]),
        send_keyed=generator.prepare(
            "send-keyed", (post(messages(n), t, BODY, key=True) for n, t in token_of.items())
        ),
        list_own=generator.prepare("list-own", (get(LIST, t) for t in drivers.values())),
        list_all=generator.prepare("list-all", [get(LIST, admin)]),
        list_messages=generator.prepare(
            "list-messages", (get(f"{messages(n)}?limit={PAGE}", t) for n, t in token_of.items())
        ),
        admin=admin,
        driver=token_of[1],
    )


def messages(conversation: int) -> str:
    """The path of a conversation's messages."""
    return f"/messaging/conversations/{uuid(CONVERSATION, conversation)}/messages"


def check(server: Server, calls: Calls, size: TenantSize) -> None:
    """Check that the lists are complete. Raises RuntimeError."""
    for path, token, key, total in (
        (LIST, calls.admin, "conversations", size.conversations),
        (LIST, calls.driver, "conversations", size.conversations // size.drivers),
        (f"{messages(1)}?limit={PAGE}", calls.driver, "messages", None),
    ):
        body = json.loads(server.get(path, token))
        if len(body[key]) != PAGE or (total is not None and body["total"] != total):
            raise RuntimeError(f"{path}: {len(body[key])} items of {body['total']}, not {total}")
