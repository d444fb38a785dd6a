"""The frames of ActionCable (protocol `actioncable-v1-json`): parsed and written. Pure."""

from typing import Literal

import msgspec
from msgspec import Struct

from koine.kit.json import BOM, json_text

PROTOCOL = "actioncable-v1-json"
CHANNEL = "RoomChannel"
WELCOME = '{"type":"welcome"}'
DisconnectReason = Literal["unauthorized", "invalid_request", "server_restart", "remote"]
"""Those that the original's clients know."""
_MAX_TOKEN_LENGTH = 255


class Command(Struct, frozen=True):
    """A frame of a client: `subscribe`, `unsubscribe`, or `message` with `data` for its channel."""

    command: str = ""
    identifier: str = ""
    data: str = ""


class ChannelIdentifier(Struct, frozen=True):
    """What a subscription's identifier names. Other keys (the original's `account_id`, `user_id`)
    have no meaning here. `last_event_id` is the newest `event_id` that the client received (D)."""

    channel: str
    pubsub_token: str
    last_event_id: str | None = None


class Action(Struct, frozen=True):
    """The `data` of a message."""

    action: str = ""


_decode_command = msgspec.json.Decoder(Command).decode
_decode_identifier = msgspec.json.Decoder(ChannelIdentifier).decode
_decode_action = msgspec.json.Decoder(Action).decode


def parse_command(text: str) -> Command | None:
    """The command in a frame; None when it is none."""
    try:
        return _decode_command(text.removeprefix(BOM))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def parse_identifier(identifier: str) -> ChannelIdentifier | None:
    """What the identifier names; None for another channel or what cannot be a token."""
    try:
        parsed = _decode_identifier(identifier)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    token = parsed.pubsub_token
    is_token = token.isascii() and token.isprintable() and len(token) <= _MAX_TOKEN_LENGTH
    return parsed if parsed.channel == CHANNEL and is_token else None


def parse_action(data: str) -> str:
    """The action that a message asks for; "" when it asks for none."""
    try:
        return _decode_action(data).action
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""


def ping(seconds: int) -> str:
    """The heartbeat at a Unix time, in seconds."""
    return f'{{"type":"ping","message":{seconds}}}'


def confirmed(identifier: str) -> str:
    """The subscription is accepted."""
    return f'{{"identifier":{json_text(identifier)},"type":"confirm_subscription"}}'


def rejected(identifier: str) -> str:
    """The subscription is refused, or was ended by the server."""
    return f'{{"identifier":{json_text(identifier)},"type":"reject_subscription"}}'


def disconnect(reason: DisconnectReason, reconnect: bool) -> str:
    """The last frame: why, and whether the client should reconnect by itself."""
    flag = "true" if reconnect else "false"
    return f'{{"type":"disconnect","reason":"{reason}","reconnect":{flag}}}'


def message(identifier: str, event: bytes, event_id: str = "") -> str:
    """An event for a subscription; `event_id` is the cursor after it (D), "" for an ephemeral
    event, which has no position in the log."""
    text = event.decode()
    if event_id:
        text = f'{{"event_id":"{event_id}",{text[1:]}'
    return f'{{"identifier":{json_text(identifier)},"message":{text}}}'
