"""The frames of ActionCable (protocol `actioncable-v1-json`), and what clients say: pure."""

from typing import Literal

import msgspec
from msgspec import Struct

from koine.kit.json import BOM, json_text

PROTOCOL = "actioncable-v1-json"
CHANNEL = "RoomChannel"
WELCOME = '{"type":"welcome"}'
Reason = Literal["unauthorized", "invalid_request", "server_restart", "remote"]
"""Those the original's clients know."""
_MAX_TOKEN_LENGTH = 255


class Command(Struct, frozen=True):
    """What a client says: `subscribe`, `unsubscribe`, or `message` with `data` for its channel."""

    command: str = ""
    identifier: str = ""
    data: str = ""


class ChannelIdentifier(Struct, frozen=True):
    """What an identifier asks for. Other keys (the original's `account_id`, `user_id`) say nothing
    here. `last_event_id` is the newest `event_id` the client was told (D)."""

    channel: str
    pubsub_token: str
    last_event_id: str | None = None


class Action(Struct, frozen=True):
    """What `data` of a message asks for."""

    action: str = ""


_command = msgspec.json.Decoder(Command).decode
_wanted = msgspec.json.Decoder(ChannelIdentifier).decode
_action = msgspec.json.Decoder(Action).decode


def parse_command(text: str) -> Command | None:
    """What was said; None when it is no command."""
    try:
        return _command(text.removeprefix(BOM))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def parse_identifier(identifier: str) -> ChannelIdentifier | None:
    """What the identifier asks for; None when that is nothing there is here."""
    try:
        asked = _wanted(identifier)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    token = asked.pubsub_token
    is_token = token.isascii() and token.isprintable() and len(token) <= _MAX_TOKEN_LENGTH
    return asked if asked.channel == CHANNEL and is_token else None


def parse_action(data: str) -> str:
    """What a message asks the channel for; "" when it is nothing."""
    try:
        return _action(data).action
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""


def ping(seconds: int) -> str:
    """The heartbeat, at a Unix time."""
    return f'{{"type":"ping","message":{seconds}}}'


def confirmed(identifier: str) -> str:
    """The subscription is there."""
    return f'{{"identifier":{json_text(identifier)},"type":"confirm_subscription"}}'


def rejected(identifier: str) -> str:
    """The subscription is not, or is no more."""
    return f'{{"identifier":{json_text(identifier)},"type":"reject_subscription"}}'


def disconnect(reason: Reason, reconnect: bool) -> str:
    """The last frame: why, and whether the client should come back by itself."""
    again = "true" if reconnect else "false"
    return f'{{"type":"disconnect","reason":"{reason}","reconnect":{again}}}'


def message(identifier: str, event: bytes, event_id: str = "") -> str:
    """An event for a subscription; `event_id` is the cursor behind it (D), "" for what has no place
    in the log."""
    told = event.decode()
    if event_id:
        told = f'{{"event_id":"{event_id}",{told[1:]}'
    return f'{{"identifier":{json_text(identifier)},"message":{told}}}'
