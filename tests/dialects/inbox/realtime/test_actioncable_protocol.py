"""The frames of ActionCable, byte for byte, and how frames of clients are parsed."""

import msgspec
import pytest

from koine.dialects.inbox.realtime import actioncable_protocol as protocol

NAME = '{"channel" : "RoomChannel","pubsub_token":"tok\\u0065n"}'
QUOTED = msgspec.json.encode(NAME).decode()


def test_the_frames_of_the_server() -> None:
    assert protocol.WELCOME == '{"type":"welcome"}'
    assert protocol.ping(1_763_640_000) == '{"type":"ping","message":1763640000}'
    assert protocol.confirmed(NAME) == f'{{"identifier":{QUOTED},"type":"confirm_subscription"}}'
    assert protocol.rejected(NAME) == f'{{"identifier":{QUOTED},"type":"reject_subscription"}}'
    assert protocol.disconnect("server_restart", True) == (
        '{"type":"disconnect","reason":"server_restart","reconnect":true}'
    )


def test_an_event_has_the_cursor_after_it() -> None:
    result = b'{"event":"message.created","data":{"id":1}}'
    assert protocol.message(NAME, result, "e.7") == (
        f'{{"identifier":{QUOTED},'
        '"message":{"event_id":"e.7","event":"message.created","data":{"id":1}}}'
    )
    assert (
        protocol.message(NAME, result) == f'{{"identifier":{QUOTED},"message":{result.decode()}}}'
    )


@pytest.mark.parametrize("name", [NAME, '{"a":"\U0001f600 \\" \\\\ \\n"}', "", "no JSON"])
def test_the_identifier_is_echoed_byte_for_byte(name: str) -> None:
    assert msgspec.json.decode(protocol.confirmed(name))["identifier"] == name


def test_an_identifier_is_parsed() -> None:
    asked = protocol.parse_identifier(
        '{"channel":"RoomChannel","pubsub_token":"t","account_id":1,"last_event_id":"e.7"}'
    )
    assert asked == protocol.ChannelIdentifier("RoomChannel", "t", "e.7")


@pytest.mark.parametrize(
    "name",
    [
        "", "no JSON", "[]", "7", "{}", '{"channel":"RoomChannel"}',
        '{"channel":"Other","pubsub_token":"t"}', '{"channel":"RoomChannel","pubsub_token":7}',
        '{"channel":"RoomChannel","pubsub_token":"a\\u0000b"}', "[" * 10_000,
        '{"channel":"RoomChannel","pubsub_token":"é"}',
        f'{{"channel":"RoomChannel","pubsub_token":"{"t" * 300}"}}',
    ],
)  # fmt: skip
def test_an_identifier_of_no_known_channel_or_token_is_none(name: str) -> None:
    assert protocol.parse_identifier(name) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"command":7}', "[" * 10_000, '"\\ud800"'])
def test_a_frame_that_is_no_command_is_none(text: str) -> None:
    assert protocol.parse_command(text) is None
    assert protocol.parse_action(text) == ""
