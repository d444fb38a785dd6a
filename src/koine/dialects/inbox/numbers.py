"""Numbers in paths: those of conversations, and those of messages, which the server counts."""


def whole(text: str) -> int | None:
    """A path segment as a number from 1, or None when it is none."""
    if not (text.isascii() and text.isdigit()) or len(text) > 16:
        return None
    return int(text) or None
