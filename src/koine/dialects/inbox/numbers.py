"""The integer ids of messages: no column keeps them, they are made of two numbers and read back.

A message's id is its conversation's number times 2^21 plus its own number in the conversation:
unique in the account, growing within a conversation, and below 2^53 for four billion
conversations, so that every client's JSON reads it exactly.
"""

SPAN = 2_097_152
"""Messages a conversation can have before its ids would run into the next one's."""


def message_id(conversation: int, seq: int) -> int:
    """The id of message `seq` in the conversation with this number."""
    return conversation * SPAN + seq


def seq_in(conversation: int, message: int) -> int:
    """Which number in the conversation an id stands for; beyond 1..SPAN it is another's."""
    return message - conversation * SPAN


def whole(text: str) -> int | None:
    """A path segment as a number from 1, or None when it is none."""
    if not (text.isascii() and text.isdigit()) or len(text) > 16:
        return None
    return int(text) or None
