"""How a message is created: lock and read, decide, write. All three for a whole batch of sends.

Every way to send a message, of every dialect, ends in `send_batch`; it is the only caller of
`store.conversations.messages.insert_many`. The conversations of the batch are locked in one fixed
order, so that two batches cannot deadlock. The decisions are pure Python, from requests to rows:
the transaction waits for the database a fixed number of times, however many messages are in the
batch.
"""

from msgspec import Struct, structs
from msgspec.json import encode

from koine.kit.ids import new_id
from koine.model.conversation import PREVIEW_LENGTH
from koine.model.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from koine.model.event import Event
from koine.model.message import Draft, Message
from koine.store.conversations import messages
from koine.store.core.db import Tx
from koine.store.events import events
from koine.store.sending import send
from koine.store.sending.send import ConversationHead, SendContext, SenderReadMark


class SendRequest(Struct, frozen=True):
    """A draft and the conversation that it is for, with the id of the HTTP request, if known: many
    requests share a batch, so the task that writes it has none of its own."""

    tenant_id: str
    conversation_id: str
    draft: Draft
    request_id: str | None = None


class ConversationClosed(Conflict):
    """The conversation is closed or snoozed, and has to be reopened before the draft is sent.

    Reopening is an operation of its own, outside the batch: the caller does it and sends again.
    """

    def __init__(self) -> None:
        super().__init__("closed", "the conversation is closed")


SendResult = Message | Refusal
ConversationKey = tuple[str, str]


async def send_batch(tx: Tx, now: int, requests: list[SendRequest]) -> list[SendResult]:
    """Send what may be sent; returns a message or a refusal for each request, in their order.

    A refused request does not affect the others. A request whose client key was used before gets
    the message that was stored then.
    """
    senders = list({(r.tenant_id, r.conversation_id, r.draft.sender_id): None for r in requests})
    contexts = await send.lock_and_load(tx, senders)
    client_keys = [_client_key(r) for r in requests if r.draft.client_key is not None]
    parents = [_parent_key(r) for r in requests if r.draft.parent_id is not None]
    batch = _BatchDecisions(
        now,
        {(c.tenant_id, c.id, c.sender_id): c for c in contexts},
        await send.existing_client_keys(tx, client_keys),
        await send.existing_messages(tx, parents),
    )
    outcomes = [batch.decide(request) for request in requests]
    numbers = iter(await _write(tx, batch))
    return [
        structs.replace(outcome, number=next(numbers))
        if isinstance(outcome, Message)
        else await _existing_message(tx, request, outcome)
        if isinstance(outcome, _AlreadySent)
        else outcome
        for request, outcome in zip(requests, outcomes, strict=True)
    ]


class _AlreadySent(Struct, frozen=True):
    """The message with the request's client key is there already, at this `seq`."""

    seq: int


class _BatchDecisions:
    """The decisions of one batch, and what is to be written after them.

    The contexts were read before the first decision. A second message of the same conversation must
    build on the first, which is not in the database yet: `heads`, `marks` and `existing_keys` have
    the state after the decisions so far, and are consulted before what was read.
    """

    def __init__(
        self,
        now: int,
        contexts: dict[tuple[str, str, str | None], SendContext],
        existing_keys: dict[tuple[str, str, str], int],
        parents: dict[tuple[str, str, str], bool],
    ) -> None:
        self.now = now
        self.contexts = contexts
        self.existing_keys = existing_keys
        self.parents = parents
        self.heads: dict[ConversationKey, tuple[ConversationHead, int, str | None]] = {}
        self.rows: list[tuple[str, Message]] = []
        self.marks: dict[tuple[str, str, str], SenderReadMark] = {}
        self.echoes: dict[str, object] = {}
        self.request_ids: dict[str, str | None] = {}

    def decide(self, request: SendRequest) -> SendResult | _AlreadySent:
        """Decide one request. The order of the checks is part of the API: a conversation that is
        not there is refused as such to everyone, and a retry by client key gets its message even
        where it could not be sent any more (the conversation was closed, the sender left)."""
        draft = request.draft
        context = self.contexts.get((request.tenant_id, request.conversation_id, draft.sender_id))
        if context is None or context.removed_at is not None:
            return NotFound("conversation")
        if (
            draft.client_key is not None
            and (seq := self.existing_keys.get(_client_key(request))) is not None
        ):
            return _AlreadySent(seq)
        refusal = _refusal(draft, context)
        if refusal is not None:
            return refusal
        if draft.parent_id is not None and not self._may_reply_to_parent(request):
            return Invalid("parent_message_id", "unknown", "no such message in this conversation")
        return self._accept(request, context)

    def _may_reply_to_parent(self, request: SendRequest) -> bool:
        """Whether the parent message exists and is visible to the sender."""
        private = self.parents.get(_parent_key(request))
        return private is not None and (request.draft.sees_private or not private)

    def _accept(self, request: SendRequest, context: SendContext) -> Message:
        conversation_key = (request.tenant_id, request.conversation_id)
        before = self.heads[conversation_key][0] if conversation_key in self.heads else context
        message = _message(request.draft, context, before, self.now)
        after = _head_after(before, message)
        self.heads[conversation_key] = (after, context.participant_count, message.sender_id)
        self.rows.append((request.tenant_id, message))
        self.request_ids[message.id] = request.request_id
        if request.draft.echo_id is not None:
            self.echoes[message.id] = request.draft.echo_id
        if context.role is not None and message.sender_id is not None:
            mark_key = (*conversation_key, message.sender_id)
            self.marks[mark_key] = SenderReadMark(
                *mark_key, self._read_message_id(mark_key, message),
                message.seq, message.public_seq, after.last_activity_at,
            )  # fmt: skip
        if request.draft.client_key is not None:
            self.existing_keys[_client_key(request)] = message.seq
        return message

    def events(self) -> list[tuple[str, Event]]:
        """The events of all messages, each with its tenant.

        A public message moves its sender's read mark, and readers derive that from the message.
        Contacts do not see a private note, so there the move of the mark is an event of its own.
        """
        tenant_events: list[tuple[str, Event]] = []
        for tenant_id, message in self.rows:
            request_id = self.request_ids[message.id]
            created = _created_event(message, self.echoes.get(message.id), request_id)
            tenant_events.append((tenant_id, created))
            sender_id = message.sender_id or ""
            if message.private and (tenant_id, message.conversation_id, sender_id) in self.marks:
                tenant_events.append((tenant_id, _read_event(message, sender_id, request_id)))
        return tenant_events

    def _read_message_id(self, mark_key: tuple[str, str, str], message: Message) -> str | None:
        """The message that is shown as last read. Everyone sees it: never a private note."""
        before = self.marks.get(mark_key)
        if message.private:
            return before.read_message_id if before else None
        return message.id


async def _write(tx: Tx, batch: _BatchDecisions) -> list[int]:
    """Write the batch; returns the numbers of its messages, in order.

    The database assigns the numbers while the conversations are locked, so within a conversation
    they grow, whichever node writes.
    """
    if not batch.rows:
        return []
    heads = list(batch.heads.values())
    numbers = await tx.execute_together(
        messages.insert_many(batch.rows),
        send.update_heads(heads),
        *send.update_read_marks(list(batch.marks.values())),
        events.append_many(batch.events()),
    )
    await send.move_in_lists(tx, heads)
    return numbers


async def _existing_message(tx: Tx, request: SendRequest, already_sent: _AlreadySent) -> SendResult:
    rows = await messages.of_tenant_at(
        tx, request.tenant_id, request.conversation_id, already_sent.seq
    )
    return rows[0] if rows else NotFound("message")


def _refusal(draft: Draft, context: SendContext) -> Refusal | None:
    if context.sender_blocked:
        return Forbidden("sender")
    if draft.must_participate and (context.role is None or context.left_at is not None):
        return NotFound("participant")
    if context.status == "closed" and draft.when_closed == "refuse":
        return Conflict("closed", "the conversation is not active")
    if context.status in ("closed", "snoozed") and draft.when_closed == "reopen":
        return ConversationClosed()
    return None


def _message(draft: Draft, context: SendContext, head: ConversationHead, now: int) -> Message:
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
        # Nodes' clocks differ: within a conversation time must not go back all the same, for lists
        # and cursors sort by it.
        created_at=max(now, head.updated_at),
        updated_at=max(now, head.updated_at),
        sender_name=context.sender_name,
        sender_email=context.sender_email,
        sender_avatar_url=context.sender_avatar_url,
        sender_role=context.sender_role,
        sender_number=context.sender_number,
    )


def _head_after(head: ConversationHead, message: Message) -> ConversationHead:
    """The conversation's head after the message. A private note moves only `last_seq`: preview,
    times and order in lists stay, so that nobody can infer from them that there is a note."""
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
        shown_at_override=None,
        sort_at_override=None,
        updated_at=message.created_at,
    )


def _created_event(message: Message, echo_id: object, request_id: str | None) -> Event:
    return Event(
        kind="message.created",
        audience="staff" if message.private else "everyone",
        conversation_id=message.conversation_id,
        subject_id=message.id,
        seq=message.seq,
        body="{}" if echo_id is None else encode({"echo_id": echo_id}).decode(),
        created_at=message.created_at,
        request_id=request_id,
    )


def _read_event(message: Message, reader_id: str, request_id: str | None) -> Event:
    return Event(
        kind="conversation.read",
        audience="everyone",
        conversation_id=message.conversation_id,
        subject_id=reader_id,
        seq=message.seq,
        body="{}",
        created_at=message.created_at,
        request_id=request_id,
    )


def _client_key(request: SendRequest) -> tuple[str, str, str]:
    return request.tenant_id, request.conversation_id, request.draft.client_key or ""


def _parent_key(request: SendRequest) -> tuple[str, str, str]:
    return request.tenant_id, request.conversation_id, request.draft.parent_id or ""
