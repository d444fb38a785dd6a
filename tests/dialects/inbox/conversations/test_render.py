"""Conversations and their messages as JSON, exactly."""

import json
from pathlib import Path

import msgspec

from koine.dialects.inbox.contacts.render import View
from koine.dialects.inbox.conversations.render import render_conversation
from koine.dialects.inbox.messages.render import render_message
from koine.kit.times import parse_iso
from koine.model.conversation import Conversation, SenderKind
from koine.model.identity import Identity
from koine.model.inbox import Inbox
from koine.model.message import Attachment, Message, MessageType
from koine.model.related import Related
from koine.model.tenant import Tenant

GOLDEN = Path(__file__).parent.parent / "golden"
NOON = parse_iso("2026-11-20T12:00:00Z")
UUID = "0193454a-0000-7000-8000-000000000007"

TENANT = Tenant("t", 2, "acme", "Acme", None, "{}", NOON)
INBOX = Inbox("i", 3, "Website", "api", "ident", "hmac", False, False, None, "{}", NOON, NOON, None)
CAROL = Identity(
    id="c", number=11, kind="contact", name="Carol", first_name=None, last_name=None,
    email="carol@web.test", phone=None, identifier=None, avatar_url=None, role=None,
    permissions="[]", blocked=False, company=None, job_title=None, location=None,
    country_code=None, custom_attributes='{"plan":"gold","note":"difficult"}',
    additional_attributes='{"ip":"10.0.0.1"}', labels='["vip"]', settings='{"given":["plan"]}',
    email_verified=True, phone_verified=True, identifier_verified=True, claims="{}",
    last_activity_at=None, created_at=NOON, updated_at=NOON, removed_at=None,
)  # fmt: skip
VIEW = View(TENANT, INBOX, CAROL, "https://k.test")
CONVERSATION = Conversation(
    id=UUID, number=7, kind="chat", status="closed", title=None, priority=None, channel=None,
    source="api", inbox_id="i", owner_id="c", delivery_id=None, assignee_id=None,
    responder_id=None, responder_version_id=None, responder_active=True, created_by=None,
    metadata=None, custom_attributes="{}", labels="[]", last_activity_at=NOON,
    contact_seen_at=NOON + 300_000_000, created_at=NOON, updated_at=NOON,
)  # fmt: skip


def message(
    seq: int, kind: SenderKind, type_: MessageType = "text", content: str = "x", **fields: str
) -> Message:
    who = "c" if kind == "contact" else None
    row = {"content_type": "text", "content_attributes": "{}"} | fields
    return Message(
        id=f"m{seq}", conversation_id=UUID, seq=seq, public_seq=seq, sender_id=who,
        sender_kind=kind, type=type_, content=content, content_url=None, metadata=None,
        parent_id=None, private=False, client_key=None, created_at=NOON, updated_at=NOON,
        content_type=row["content_type"], content_attributes=row["content_attributes"],
        attachments=row.get("attachments"), number=1000 + seq,
    )  # fmt: skip


def test_a_conversation() -> None:
    file = Attachment("f", 9, "image", "a b.png", "png", "image/png", 71, "KEY", 3, 2)
    files = msgspec.json.encode([file]).decode()
    messages = [
        message(1, "contact", "image", "See here", attachments=files),
        message(2, "system", "template", "Rate us", content_type="input_csat",
                content_attributes='{"display_type":"emoji"}'),
        message(3, "system", content="closed by Alice"),
    ]  # fmt: skip
    around = Related(messages={UUID: messages}, inboxes={"i": INBOX})
    rendered = msgspec.json.encode(render_conversation(VIEW, CONVERSATION, around))
    wanted = json.loads((GOLDEN / "conversation.json").read_text())
    assert json.loads(rendered) == wanted
    assert list(json.loads(rendered)) == list(wanted)


def test_an_unknown_content_type_is_text() -> None:
    rendered = render_message(
        VIEW, CONVERSATION, message(1, "user", content_type="text/markdown"), {}
    )
    assert rendered.content_type == "text"


def test_an_inbox_may_show_labels_and_attributes() -> None:
    settings = '{"public_labels":true,"public_attributes":["note","ip"]}'
    inbox = msgspec.structs.replace(INBOX, settings=settings)
    view = msgspec.structs.replace(VIEW, inbox=inbox)
    contact = render_conversation(view, CONVERSATION, Related()).contact
    assert contact.label_list == ["vip"]
    assert contact.custom_attributes == {"plan": "gold", "note": "difficult"}
    assert contact.additional_attributes == {"ip": "10.0.0.1"}
