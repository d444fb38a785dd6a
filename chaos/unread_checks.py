"""Compares the responses of every dialect with the model of a tenant."""

from chaos.unread_model import STAFF, Conversation, newest_first
from chaos.unread_tenant import CHATS, DELIVERY, HELPDESK, JSON, NATIVE, ModelledTenant


async def compare(tenant: ModelledTenant, all_views: bool) -> int:
    """Compare a few views or all of them; return how many. Raises ModelMismatch."""
    conversation = tenant.rng.choice(tenant.conversations)
    lists = [_delivery_dan, _delivery_alice, _native_alice, _native_dan, _helpdesk, _chats, _inbox]
    if not all_views:
        lists = tenant.rng.sample(lists, 2)
    for each in lists:
        await each(tenant)
    await (_participants if tenant.rng.random() < 0.5 else _messages)(tenant, conversation)
    if all_views:
        for each_conversation in tenant.conversations:
            await _participants(tenant, each_conversation)
            await _messages(tenant, each_conversation)
    return len(lists) + (1 + 2 * len(tenant.conversations) if all_views else 1)


async def _delivery_dan(tenant: ModelledTenant) -> None:
    await _delivery(tenant, "dan", _own(tenant, "dan"))


async def _delivery_alice(tenant: ModelledTenant) -> None:
    await _delivery(tenant, "alice", tenant.conversations)


async def _delivery(tenant: ModelledTenant, user: str, conversations: list[Conversation]) -> None:
    body = await tenant.request(user, "GET", f"{DELIVERY}?limit=100")
    me = tenant.seeded.ids[user]
    tenant.expect(f"delivery total of {user}", body["total"], len(conversations))
    tenant.expect(
        f"delivery list of {user}",
        [_delivery_shape(each) for each in body["conversations"]],
        [
            (
                each.id, "closed" if each.closed else "active", each.unread(me, with_notes=False),
                each.public_messages()[-1].text if each.public_messages() else None,
                {
                    identity_id: (participant.left, participant.last_read_id)
                    for identity_id, participant in each.participants.items()
                },
            )
            for each in newest_first(conversations)
        ],
    )  # fmt: skip


def _delivery_shape(c: JSON) -> tuple[object, ...]:
    latest = c["latest_message"]
    participants = {
        p["user_id"]: (p["left_at"] is not None, p["last_read_message_id"])
        for p in c["participants"]
    }
    return c["id"], c["status"], c["unread_count"], latest and latest["content"], participants


async def _native_alice(tenant: ModelledTenant) -> None:
    await _native(tenant, "alice", tenant.conversations)


async def _native_dan(tenant: ModelledTenant) -> None:
    await _native(tenant, "dan", _own(tenant, "dan"))


async def _native(tenant: ModelledTenant, user: str, conversations: list[Conversation]) -> None:
    body = await tenant.request(user, "GET", f"{NATIVE}?limit=100")
    me = tenant.seeded.ids[user]
    tenant.expect(
        f"native list of {user}",
        [
            (
                c["id"], c["unread_count"], c["last_seq"], c["message_count"],
                c["participant_count"], c["owner_id"],
            )
            for c in body["data"]
        ],
        [
            (
                each.id, each.unread(me, user in STAFF), _last_seq(each, user),
                len(each.public_messages()),
                sum(not participant.left for participant in each.participants.values()), each.owner,
            )
            for each in newest_first(conversations)
        ],
    )  # fmt: skip


def _last_seq(conversation: Conversation, user: str) -> int:
    """The `last_seq` that a reader sees: private notes do not count for one who is not staff."""
    numbered = enumerate(conversation.messages, 1)
    return max((n for n, message in numbered if user in STAFF or not message.private), default=0)


async def _helpdesk(tenant: ModelledTenant) -> None:
    body = await tenant.request("helpdesk", "GET", f"{HELPDESK}?limit=100")
    tenant.expect("helpdesk total", body["pagination"]["total"], len(tenant.conversations))
    expected = [(t.id, t.closed) for t in newest_first(tenant.conversations)]
    found = [(c["_id"], c["status"] == "closed") for c in body["data"]]
    tenant.expect("helpdesk list", found, expected)


async def _chats(tenant: ModelledTenant) -> None:
    body = await tenant.request("chats", "GET", f"{CHATS}/details?pageSize=100")
    tenant.expect(
        "chats list",
        [
            (c["id"], c["lastMessageContent"], c["penultimateMessageContent"])
            for c in body
        ],
        [(t.id, *_previews(t)) for t in newest_first(tenant.conversations)],
    )  # fmt: skip


def _previews(conversation: Conversation) -> tuple[str | None, str | None]:
    texts = [None, None, *(message.text for message in conversation.public_messages())]
    return texts[-1], texts[-2]


async def _inbox(tenant: ModelledTenant) -> None:
    body = await tenant.request("contact", "GET", f"{tenant.inbox}/conversations")
    conversations = [each for each in tenant.conversations if each.source]
    tenant.expect(
        "inbox list",
        [c["uuid"] for c in body],
        [each.id for each in conversations],
    )
    for found, each in zip(body, conversations, strict=True):
        ids = [m["id"] for m in found["messages"]]
        tenant.expect("inbox numbers", ids, sorted(set(ids)))
        messages = [m["content"] for m in found["messages"]]
        tenant.expect("inbox messages", messages, [m.text for m in each.public_messages()])
        tenant.expect("inbox status", found["status"] == "resolved", each.closed)
        for name, (earliest, latest) in (
            ("contact_last_seen_at", each.seen_contact), ("agent_last_seen_at", each.seen_agent)
        ):  # fmt: skip
            if not earliest // 1_000_000 <= found[name] <= latest // 1_000_000:
                tenant.expect(f"{name} of {each.id}", found[name], f"{earliest} to {latest} µs")


async def _participants(tenant: ModelledTenant, conversation: Conversation) -> None:
    body = await tenant.request("ada", "GET", f"{NATIVE}/{conversation.id}/participants?limit=100")
    found = {
        p["identity_id"]: (p["last_read_seq"], p["left_at"] is not None, p["last_read_message_id"])
        for p in body["data"]
    }
    expected = {
        identity_id: (participant.read, participant.left, participant.last_read_id)
        for identity_id, participant in conversation.participants.items()
    }
    tenant.expect(f"participants of {conversation.id}", found, expected)


async def _messages(tenant: ModelledTenant, conversation: Conversation) -> None:
    body = await tenant.request(
        "ada", "GET", f"{NATIVE}/{conversation.id}/messages?limit=100&order=asc"
    )
    public = 0
    expected = []
    for seq, message in enumerate(conversation.messages, 1):
        public += not message.private
        expected.append((seq, public, message.id, message.text, message.private, message.sender))
    tenant.expect(
        f"messages of {conversation.id}",
        [
            (m["seq"], m["public_seq"], m["id"], m["content"], m["private"], m["sender"]["id"])
            for m in body["data"]
        ],
        expected,
    )


def _own(tenant: ModelledTenant, user: str) -> list[Conversation]:
    return [each for each in tenant.conversations if each.takes_part(tenant.seeded.ids[user])]
