"""Message ids are made of two numbers and read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koine.dialects.inbox.numbers import SPAN, message_id, seq_in, whole


@given(st.integers(1, 2**32 - 1), st.integers(1, SPAN - 1))
def test_an_id_is_read_back_and_exact_in_every_json(conversation: int, seq: int) -> None:
    number = message_id(conversation, seq)
    assert seq_in(conversation, number) == seq
    assert number < 2**53


def test_another_conversations_id_is_out_of_range() -> None:
    assert seq_in(7, message_id(6, 5)) < 1
    assert seq_in(7, message_id(8, 5)) > SPAN


@pytest.mark.parametrize("text", ["", "0", "-1", "+1", " 1", "1.0", "٣", "9" * 17, "x"])
def test_no_whole_number(text: str) -> None:
    assert whole(text) is None


def test_a_whole_number() -> None:
    assert whole("42") == 42
