"""How a message comes to be: the facts are read, everything is decided here, then written.

`post_batch` is the only caller of `store.messages.insert_many`, and every door ends up in it.
The deciding is pure: from facts and drafts to rows, in the order the sends were queued.
"""

from msgspec import Struct, structs
from msgspec.json import encode

from koine.kit.ids import new_id
from koine.model.conversation import PREVIEW_LENGTH
from koine.model.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from koine.model.event import Event
from koine.model.message import Draft, Message
from koine.store.conversations import messages, send
from koine.store.conversations.send import ConversationHead, SendContext, SenderReadMark
from koine.store.core.db import Tx
from koine.store.events import events


class SendRequest(Struct, frozen=True):
    """A draft on its way into a conversation of a tenant."""

    tenant_id: str
    conversation_id: str
    draft: Draft


class ConversationClosed(Conflict):
    """The conversation is closed and the draft asks for it to be reopened first."""

    def __init__(self) -> None:
        super().__init__("closed", "the conversation is closed")


SendResult = Message | Refusal
ConversationKey = tuple[str, str]


async def send_batch(tx: Tx, now: int, posts: list[SendRequest]) -> list[SendResult]:
    """Write what may be written of `posts`, each numbered in its conversation; the outcome of
    each, in order. A post with a client key that is known gets the message it made then."""
    asked = list({(p.tenant_id, p.conversation_id, p.draft.sender_id): None for p in posts})
    found = await send.lock_and_load(tx, asked)
    keyed = [_client_key(p) for p in posts if p.draft.client_key is not None]
    parents = [_parent_key(p) for p in posts if p.draft.parent_id is not None]
    batch = _BatchDecisions(
        now,
        {(f.tenant_id, f.id, f.sender_id): f for f in found},
        await send.existing_client_keys(tx, keyed),
        await send.existing_messages(tx, parents),
    )
    outcomes = [batch.decide(post) for post in posts]
    numbers = iter(await _write(tx, batch))
    return [
        structs.replace(outcome, number=next(numbers))
        if isinstance(outcome, Message)
        else await _existing_message(tx, post, outcome)
        if isinstance(outcome, _AlreadySent)
        else outcome
        for post, outcome in zip(posts, outcomes, strict=True)
    ]


class _AlreadySent(Struct, frozen=True):
    """The post's client key made this message before."""

    seq: int


class _BatchDecisions:
    """The decisions of one batch, on top of the facts that were locked for it."""

    def __init__(
        self,
        now: int,
        facts: dict[tuple[str, str, str | None], SendContext],
        known: dict[tuple[str, str, str], int],
        parents: dict[tuple[str, str, str], bool],
    ) -> None:
        self.now = now
        self.contexts = facts
        self.known = known
        self.parents = parents
        self.heads: dict[ConversationKey, tuple[ConversationHead, int, str | None]] = {}
        self.rows: list[tuple[str, Message]] = []
        self.marks: dict[tuple[str, str, str], SenderReadMark] = {}
        self.echoes: dict[str, object] = {}

    def decide(self, post: SendRequest) -> SendResult | _AlreadySent:
        """What becomes of one post; if it is a message, the next one builds on it."""
        draft = post.draft
        facts = self.contexts.get((post.tenant_id, post.conversation_id, draft.sender_id))
        if facts is None or facts.removed_at is not None:
            return NotFound("conversation")
        if draft.client_key is not None and (seq := self.known.get(_client_key(post))) is not None:
            return _AlreadySent(seq)
        refusal = _refusal(draft, facts)
        if refusal is not None:
            return refusal
        if draft.parent_id is not None and not self._may_answer(post):
            return Invalid("parent_message_id", "unknown", "no such message in this conversation")
        return self._accept(post, facts)

    def _may_answer(self, post: SendRequest) -> bool:
        """Whether the message it answers is there, for who posts it."""
        private = self.parents.get(_parent_key(post))
        return private is not None and (post.draft.sees_private or not private)

    def _accept(self, post: SendRequest, facts: SendContext) -> Message:
        place = (post.tenant_id, post.conversation_id)
        before = self.heads[place][0] if place in self.heads else facts
        message = _message(post.draft, facts, before, self.now)
        after = _head_after(before, message)
        self.heads[place] = (after, facts.participant_count, message.sender_id)
        self.rows.append((post.tenant_id, message))
        if post.draft.echo_id is not None:
            self.echoes[message.id] = post.draft.echo_id
        if facts.role is not None and message.sender_id is not None:
            key = (*place, message.sender_id)
            self.marks[key] = SenderReadMark(
                *key, self._read_message_id(key, message), message.seq, message.public_seq,
                after.last_activity_at,
            )  # fmt: skip
        if post.draft.client_key is not None:
            self.known[_client_key(post)] = message.seq
        return message

    def events(self) -> list[tuple[str, Event]]:
        """The events of all messages, each with its tenant. Of a private note everyone is told that
        its author has read, where it is shown how far they have."""
        found: list[tuple[str, Event]] = []
        for tenant_id, message in self.rows:
            found.append((tenant_id, _created_event(message, self.echoes.get(message.id))))
            who = message.sender_id or ""
            if message.private and (tenant_id, message.conversation_id, who) in self.marks:
                found.append((tenant_id, _read_event(message, who)))
        return found

    def _read_message_id(self, key: tuple[str, str, str], message: Message) -> str | None:
        """The message shown as last read: everyone sees it, so it is never a private note."""
        before = self.marks.get(key)
        if message.private:
            return before.read_message_id if before else None
        return message.id


async def _write(tx: Tx, batch: _BatchDecisions) -> list[int]:
    """Write the batch; answers the numbers of its messages, in order. The conversations are locked
    when they are given out: within one they grow, whichever node writes."""
    if not batch.rows:
        return []
    moved = list(batch.heads.values())
    numbers = await tx.execute_together(
        messages.insert_many(batch.rows),
        send.update_heads(moved),
        *send.update_read_marks(list(batch.marks.values())),
        events.append_many(batch.events()),
    )
    await send.move_in_lists(tx, moved)
    return numbers


async def _existing_message(tx: Tx, post: SendRequest, known: _AlreadySent) -> SendResult:
    rows = await messages.of_tenant_at(tx, post.tenant_id, post.conversation_id, known.seq)
    return rows[0] if rows else NotFound("message")


def _refusal(draft: Draft, facts: SendContext) -> Refusal | None:
    if facts.sender_blocked:
        return Forbidden("sender")
    if draft.must_participate and (facts.role is None or facts.left_at is not None):
        return NotFound("participant")
    if facts.status == "closed" and draft.when_closed == "refuse":
        return Conflict("closed", "the conversation is not active")
    if facts.status in ("closed", "snoozed") and draft.when_closed == "reopen":
        return ConversationClosed()
    return None


def _message(draft: Draft, facts: SendContext, head: ConversationHead, now: int) -> Message:
    return Message(
        id=new_id(),
        conversation_id=head.id,
        seq=head.last_seq + 1,
        public_seq=head.public_count + (not draft.private),
        sender_id=draft.sender_id,
        sender_kind=draft.sender_kind,
        type=draft.type,
        content=draft.content,
        content_url=draft.content_url,
        content_type=draft.content_type,
        content_attributes=draft.content_attributes,
        metadata=draft.metadata,
        parent_id=draft.parent_id,
        private=draft.private,
        client_key=draft.client_key,
        attachments=draft.attachments,
        # Time never runs back within a conversation, whatever the clocks of the nodes say.
        created_at=max(now, head.updated_at),
        updated_at=max(now, head.updated_at),
        sender_name=facts.sender_name,
        sender_email=facts.sender_email,
        sender_avatar_url=facts.sender_avatar_url,
        sender_role=facts.sender_role,
        sender_number=facts.sender_number,
    )


def _head_after(head: ConversationHead, message: Message) -> ConversationHead:
    """The conversation's head after the message; a private note moves the last number alone, so
    that those who must not know of it are shown no change."""
    if message.private:
        return head.with_last_seq(message.seq)
    return ConversationHead(
        tenant_id=head.tenant_id,
        id=head.id,
        last_seq=message.seq,
        public_count=message.public_seq,
        last_public_seq=message.seq,
        last_content=message.content[:PREVIEW_LENGTH] if message.content is not None else None,
        last_sender_kind=message.sender_kind,
        last_message_at=message.created_at,
        previous_content=head.last_content,
        previous_sender_kind=head.last_sender_kind,
        previous_message_at=head.last_message_at,
        last_activity_at=message.created_at,
        chat_shown_at=None,
        chat_sort_at=None,
        updated_at=message.created_at,
    )


def _created_event(message: Message, echo_id: object) -> Event:
    return Event(
        kind="message.created",
        audience="staff" if message.private else "everyone",
        conversation_id=message.conversation_id,
        subject_id=message.id,
        seq=message.seq,
        body="{}" if echo_id is None else encode({"echo_id": echo_id}).decode(),
        created_at=message.created_at,
    )


def _read_event(message: Message, who: str) -> Event:
    return Event(
        kind="conversation.read",
        audience="everyone",
        conversation_id=message.conversation_id,
        subject_id=who,
        seq=message.seq,
        body="{}",
        created_at=message.created_at,
    )


def _client_key(post: SendRequest) -> tuple[str, str, str]:
    return post.tenant_id, post.conversation_id, post.draft.client_key or ""


def _parent_key(post: SendRequest) -> tuple[str, str, str]:
    return post.tenant_id, post.conversation_id, post.draft.parent_id or ""
