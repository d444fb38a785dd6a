"""The model of the unread rig: unread counts, read marks and order, in a few lines of Python.

A conversation is a list of messages; a participant is the number of messages that they have read.
"""

from msgspec import Struct, field

STAFF = ("ada", "alice")
"""The users who receive private notes; Dan, a driver, and contacts do not."""


class ModelMessage(Struct):
    """A message, with the id that the server gave it."""

    id: str
    text: str
    private: bool
    sender: str


class ModelParticipant(Struct):
    """A participant: how many messages are read, the id that the server shows as the last read one,
    and whether the participant has left."""

    read: int = 0
    last_read_id: str | None = None
    left: bool = False


class Conversation(Struct):
    """A conversation. `activity` grows with each public message of the tenant, and orders the
    lists. It was last read between the two clock values (µs) of `seen_*`."""

    id: str
    number: int
    owner: str | None
    source: str | None
    activity: int
    participants: dict[str, ModelParticipant]
    messages: list[ModelMessage] = field(default_factory=list)
    closed: bool = False
    seen_contact: tuple[int, int] = (0, 0)
    seen_agent: tuple[int, int] = (0, 0)

    def public_messages(self) -> list[ModelMessage]:
        """The messages that are not private notes."""
        return [message for message in self.messages if not message.private]

    def takes_part(self, identity_id: str) -> bool:
        """Whether an identity is a participant that has not left."""
        return identity_id in self.participants and not self.participants[identity_id].left

    def unread(self, identity_id: str, with_notes: bool) -> int:
        """The unread count of an identity; 0 if it is not a participant."""
        if not self.takes_part(identity_id):
            return 0
        unread_messages = self.messages[self.participants[identity_id].read :]
        return (
            len(unread_messages)
            if with_notes
            else sum(not message.private for message in unread_messages)
        )

    def add(self, message: ModelMessage, activity: int) -> None:
        """Add a message; its sender has then read everything."""
        self.messages.append(message)
        if not message.private:
            self.activity = activity
        participant = self.participants.get(message.sender)
        if participant is not None:
            participant.read = len(self.messages)
            participant.last_read_id = participant.last_read_id if message.private else message.id

    def read(self, identity_id: str, seq: int, clock_range: tuple[int, int]) -> bool:
        """Read up to message `seq` (0: to the end); return whether the read mark moved, which it
        does only forward."""
        if not self.messages:
            return False
        if identity_id == self.owner:
            self.seen_contact = clock_range
        else:
            self.seen_agent = clock_range
        return self.move_read_mark(identity_id, seq)

    def move_read_mark(self, identity_id: str, seq: int) -> bool:
        """Move a read mark forward; return whether it moved."""
        new_mark = seq or len(self.messages)
        participant = self.participants.get(identity_id)
        if participant is None or new_mark <= participant.read:
            return False
        public = (
            self.public_messages()
            if seq == 0
            else [w for w in [self.messages[seq - 1]] if not w.private]
        )
        participant.read = new_mark
        participant.last_read_id = public[-1].id if public else participant.last_read_id
        return True

    def join(self, identity_id: str) -> None:
        """Join, or join again: the read mark stays."""
        self.participants.setdefault(identity_id, ModelParticipant()).left = False

    def leave(self, identity_id: str) -> None:
        """Leave the conversation."""
        self.participants[identity_id].left = True

    def merge(self, old: str, new: str) -> None:
        """Merge one contact into another. Of two participants the further read mark stays, and the
        result has left only if both had."""
        self.owner = new if self.owner == old else self.owner
        for message in self.messages:
            message.sender = new if message.sender == old else message.sender
        former = self.participants.pop(old, None)
        if former is None:
            return
        target_participant = self.participants.setdefault(new, former)
        if target_participant is not former:
            target_participant.left = target_participant.left and former.left
            if former.read > target_participant.read:
                target_participant.read, target_participant.last_read_id = (
                    former.read,
                    former.last_read_id or target_participant.last_read_id,
                )


def newest_first(conversations: list[Conversation]) -> list[Conversation]:
    """The order of all lists except that of the inbox dialect."""
    return sorted(conversations, key=lambda conversation: conversation.activity, reverse=True)
