"""What every dialect shows of a house, against what its model says."""

from chaos.unread_model import STAFF, Conversation, newest_first
from chaos.unread_tenant import CHATS, DELIVERY, HELPDESK, JSON, NATIVE, ModelledTenant


async def compare(house: ModelledTenant, everywhere: bool) -> int:
    """Compare a few views, or all of them; answers how many. Raises Drift."""
    conversation = house.chance.choice(house.conversations)
    lists = [_delivery_dan, _delivery_alice, _native_alice, _native_dan, _helpdesk, _chats, _inbox]
    if not everywhere:
        lists = house.chance.sample(lists, 2)
    for each in lists:
        await each(house)
    await (_parts if house.chance.random() < 0.5 else _said)(house, conversation)
    if everywhere:
        for each_talk in house.conversations:
            await _parts(house, each_talk)
            await _said(house, each_talk)
    return len(lists) + (1 + 2 * len(house.conversations) if everywhere else 1)


async def _delivery_dan(house: ModelledTenant) -> None:
    await _delivery(house, "dan", _own(house, "dan"))


async def _delivery_alice(house: ModelledTenant) -> None:
    await _delivery(house, "alice", house.conversations)


async def _delivery(house: ModelledTenant, who: str, conversations: list[Conversation]) -> None:
    shown = await house.ask(who, "GET", f"{DELIVERY}?limit=100")
    me = house.seeded.ids[who]
    house.expect(f"delivery total of {who}", shown["total"], len(conversations))
    house.expect(
        f"delivery list of {who}",
        [_delivery_shape(each) for each in shown["conversations"]],
        [
            (
                one.id, "closed" if one.closed else "active", one.unread(me, with_notes=False),
                one.aloud()[-1].text if one.aloud() else None,
                {each: (part.left, part.shown) for each, part in one.parts.items()},
            )
            for one in newest_first(conversations)
        ],
    )  # fmt: skip


def _delivery_shape(c: JSON) -> tuple[object, ...]:
    latest = c["latest_message"]
    parts = {
        p["user_id"]: (p["left_at"] is not None, p["last_read_message_id"])
        for p in c["participants"]
    }
    return c["id"], c["status"], c["unread_count"], latest and latest["content"], parts


async def _native_alice(house: ModelledTenant) -> None:
    await _native(house, "alice", house.conversations)


async def _native_dan(house: ModelledTenant) -> None:
    await _native(house, "dan", _own(house, "dan"))


async def _native(house: ModelledTenant, who: str, conversations: list[Conversation]) -> None:
    shown = await house.ask(who, "GET", f"{NATIVE}?limit=100")
    me = house.seeded.ids[who]
    house.expect(
        f"native list of {who}",
        [
            (
                c["id"], c["unread_count"], c["last_seq"], c["message_count"],
                c["participant_count"], c["owner_id"],
            )
            for c in shown["data"]
        ],
        [
            (
                one.id, one.unread(me, who in STAFF), _last_seq(one, who), len(one.aloud()),
                sum(not part.left for part in one.parts.values()), one.owner,
            )
            for one in newest_first(conversations)
        ],
    )  # fmt: skip


def _last_seq(conversation: Conversation, who: str) -> int:
    """Of what the reader may see: others are shown nothing of private notes, not even that."""
    numbered = enumerate(conversation.said, 1)
    return max((n for n, word in numbered if who in STAFF or not word.private), default=0)


async def _helpdesk(house: ModelledTenant) -> None:
    shown = await house.ask("helpdesk", "GET", f"{HELPDESK}?limit=100")
    house.expect("helpdesk total", shown["pagination"]["total"], len(house.conversations))
    expected = [(t.id, t.closed) for t in newest_first(house.conversations)]
    found = [(c["_id"], c["status"] == "closed") for c in shown["data"]]
    house.expect("helpdesk list", found, expected)


async def _chats(house: ModelledTenant) -> None:
    shown = await house.ask("chats", "GET", f"{CHATS}/details?pageSize=100")
    house.expect(
        "chats list",
        [
            (c["id"], c["lastMessageContent"], c["penultimateMessageContent"])
            for c in shown
        ],
        [(t.id, *_previews(t)) for t in newest_first(house.conversations)],
    )  # fmt: skip


def _previews(conversation: Conversation) -> tuple[str | None, str | None]:
    texts = [None, None, *(word.text for word in conversation.aloud())]
    return texts[-1], texts[-2]


async def _inbox(house: ModelledTenant) -> None:
    shown = await house.ask("contact", "GET", f"{house.inbox}/conversations")
    conversations = [one for one in house.conversations if one.source]
    house.expect(
        "inbox list",
        [c["uuid"] for c in shown],
        [one.id for one in conversations],
    )
    for found, one in zip(shown, conversations, strict=True):
        ids = [m["id"] for m in found["messages"]]
        house.expect("inbox numbers", ids, sorted(set(ids)))
        said = [m["content"] for m in found["messages"]]
        house.expect("inbox messages", said, [w.text for w in one.aloud()])
        house.expect("inbox status", found["status"] == "resolved", one.closed)
        for name, (began, ended) in (
            ("contact_last_seen_at", one.seen_contact), ("agent_last_seen_at", one.seen_agent)
        ):  # fmt: skip
            if not began // 1_000_000 <= found[name] <= ended // 1_000_000:
                house.expect(f"{name} of {one.id}", found[name], f"{began} to {ended} µs")


async def _parts(house: ModelledTenant, conversation: Conversation) -> None:
    shown = await house.ask("ada", "GET", f"{NATIVE}/{conversation.id}/participants?limit=100")
    found = {
        p["identity_id"]: (p["last_read_seq"], p["left_at"] is not None, p["last_read_message_id"])
        for p in shown["data"]
    }
    expected = {who: (part.read, part.left, part.shown) for who, part in conversation.parts.items()}
    house.expect(f"parts of {conversation.id}", found, expected)


async def _said(house: ModelledTenant, conversation: Conversation) -> None:
    shown = await house.ask(
        "ada", "GET", f"{NATIVE}/{conversation.id}/messages?limit=100&order=asc"
    )
    public = 0
    expected = []
    for seq, word in enumerate(conversation.said, 1):
        public += not word.private
        expected.append((seq, public, word.id, word.text, word.private, word.sender))
    house.expect(
        f"messages of {conversation.id}",
        [
            (m["seq"], m["public_seq"], m["id"], m["content"], m["private"], m["sender"]["id"])
            for m in shown["data"]
        ],
        expected,
    )


def _own(house: ModelledTenant, who: str) -> list[Conversation]:
    return [one for one in house.conversations if one.takes_part(house.seeded.ids[who])]
