"""What is read and in which order things are, as a plain list says it: the model of the unread rig.

No clock and no database: a conversation is what was said in it, and each person's part is how many
of those things they have read.
"""

from msgspec import Struct, field

STAFF = ("ada", "alice")
"""Who reads private notes; Dan, who drives, and contacts do not."""


class ModelMessage(Struct):
    """Something said: its id once the server has given one."""

    id: str
    text: str
    private: bool
    sender: str


class ModelParticipant(Struct):
    """One's part: how many words are read, which of them is shown as the last, whether it ended."""

    read: int = 0
    shown: str | None = None
    left: bool = False


class Conversation(Struct):
    """A conversation. `moved` grows with each public word anywhere: the newest activity is the
    largest. `seen_*` are two readings of the clock (µs) between which it was last looked at."""

    id: str
    number: int
    owner: str | None
    source: str | None
    moved: int
    parts: dict[str, ModelParticipant]
    said: list[ModelMessage] = field(default_factory=list)
    closed: bool = False
    seen_contact: tuple[int, int] = (0, 0)
    seen_agent: tuple[int, int] = (0, 0)

    def aloud(self) -> list[ModelMessage]:
        """The public words."""
        return [word for word in self.said if not word.private]

    def takes_part(self, who: str) -> bool:
        """Whether they take part now."""
        return who in self.parts and not self.parts[who].left

    def unread(self, who: str, with_notes: bool) -> int:
        """How many words they have not read; nothing is unread to who takes no part."""
        if not self.takes_part(who):
            return 0
        beyond = self.said[self.parts[who].read :]
        return len(beyond) if with_notes else sum(not word.private for word in beyond)

    def say(self, word: ModelMessage, moved: int) -> None:
        """Add a word; its sender has then read everything."""
        self.said.append(word)
        if not word.private:
            self.moved = moved
        part = self.parts.get(word.sender)
        if part is not None:
            part.read = len(self.said)
            part.shown = part.shown if word.private else word.id

    def read(self, who: str, upto: int, between: tuple[int, int]) -> bool:
        """Read to a word (1 is the first), or with `upto` 0 to the end; the mark never moves back.
        False: it did not move."""
        if not self.said:
            return False
        if who == self.owner:
            self.seen_contact = between
        else:
            self.seen_agent = between
        return self.mark(who, upto)

    def mark(self, who: str, upto: int) -> bool:
        """Move a mark, if it is forward."""
        target = upto or len(self.said)
        part = self.parts.get(who)
        if part is None or target <= part.read:
            return False
        public = self.aloud() if upto == 0 else [w for w in [self.said[upto - 1]] if not w.private]
        part.read = target
        part.shown = public[-1].id if public else part.shown
        return True

    def join(self, who: str) -> None:
        """Take part, perhaps again: what was read stays read."""
        self.parts.setdefault(who, ModelParticipant()).left = False

    def leave(self, who: str) -> None:
        """Take part no longer."""
        self.parts[who].left = True

    def merge(self, old: str, new: str) -> None:
        """One contact becomes another: of two parts the further mark stays, in either is in."""
        self.owner = new if self.owner == old else self.owner
        for word in self.said:
            word.sender = new if word.sender == old else word.sender
        gone = self.parts.pop(old, None)
        if gone is None:
            return
        kept = self.parts.setdefault(new, gone)
        if kept is not gone:
            kept.left = kept.left and gone.left
            if gone.read > kept.read:
                kept.read, kept.shown = gone.read, gone.shown or kept.shown


def newest_first(conversations: list[Conversation]) -> list[Conversation]:
    """In the order of every list but a contact's own."""
    return sorted(conversations, key=lambda conversation: conversation.moved, reverse=True)
