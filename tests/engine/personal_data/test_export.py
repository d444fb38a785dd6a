"""The export of a person: what it contains, and what it must not."""

import io
import json
from pathlib import Path
from random import Random
from typing import Any
from zipfile import ZipFile

import pytest

from koine.engine import audit_log
from koine.engine.conversations import conversations, files, messages, participants
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.engine.personal_data.export import export
from koine.kit.json import json_text
from koine.model.actor import Actor
from koine.model.conversation import Conversation, NewConversation, SenderKind
from koine.model.errors import Forbidden, NotFound
from koine.model.message import Attachment, Draft
from koine.model.page import Window
from tests.cast import Cast

SCRIPT = "<script>alert(1)</script>"


class Source(io.BytesIO):
    """An upload."""

    name, content_type = "../../my cat.txt", "text/plain"

    async def read(self, size: int = -1) -> bytes:  # type: ignore[override]  # as uploads are read
        return super().read(size)


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path)}


async def exported(cast: Cast, who: str, actor: Actor | None = None) -> ZipFile:
    actor = actor or cast.acme.actor("ada")
    pieces = await export(cast.engine, actor, cast.acme.id(who))
    return ZipFile(io.BytesIO(b"".join([piece async for piece in pieces])))


async def say(cast: Cast, who: str, at: Conversation, text: str, **more: Any) -> None:
    kind: SenderKind = "contact" if who in ("carol", "dave") else "user"
    draft = Draft(content=text, sender_id=cast.acme.id(who), sender_kind=kind, **more)
    await messages.send_unchecked(cast.engine, cast.acme.actor(who), at.id, draft)


async def opened(cast: Cast, owner: str | None, *others: str) -> Conversation:
    joining = tuple((cast.acme.id(who), "member") for who in others)
    new = NewConversation(
        title=f"A {SCRIPT}", owner_id=owner and cast.acme.id(owner), metadata='{"internal":"no"}',
        participants=joining,  # type: ignore[arg-type]  # "member" is a role
    )  # fmt: skip
    return await conversations.create(cast.engine, cast.acme.actor("ada"), new)


def texts(zipped: ZipFile, at: Conversation) -> list[tuple[str, str, bool]]:
    found = json.loads(zipped.read(f"conversations/{at.number}.json"))
    assert found["conversation"]["messages"] == len(found["messages"])
    return [(m["sender"], m["content"], m["own"]) for m in found["messages"]]


async def test_a_contact_gets_its_profile_what_it_wrote_and_what_others_wrote_to_it(
    cast: Cast,
) -> None:
    ada, at = cast.acme.actor("ada"), await opened(cast, "carol", "alice")
    attributes = PersonChanges(custom_attributes=json_text({"plan": "gold"}), phone="+49 1")
    await directory.change(cast.engine, ada, cast.acme.id("carol"), "contact", attributes)
    await say(cast, "carol", at, f"hello {SCRIPT}")
    await say(cast, "alice", at, "hi Carol")
    await say(cast, "alice", at, "she is difficult", private=True)
    zipped = await exported(cast, "carol")
    assert zipped.testzip() is None
    about = json.loads(zipped.read("person.json"))
    assert (about["profile"]["phone"], about["profile"]["custom_attributes"]) == (
        "+49 1", {"plan": "gold"},
    )  # fmt: skip
    assert [place["inbox"] for place in about["inboxes"]] == ["Website"]
    assert texts(zipped, at) == [
        ("Carol Contact", f"hello {SCRIPT}", True), ("Alice User", "hi Carol", False),
    ]  # fmt: skip
    everything = b"".join(zipped.read(name) for name in zipped.namelist())
    token = cast.acme.contact_inboxes["carol"].pubsub_token
    for hidden in ("difficult", "internal", token, cast.acme.contact_inboxes["carol"].source_id):
        assert hidden.encode() not in everything
    assert cast.acme.people["alice"].email is not None
    assert cast.acme.people["alice"].email.encode() not in everything


async def test_the_pages_are_html_without_scripts_and_link_to_each_other(cast: Cast) -> None:
    at = await opened(cast, "carol")
    await say(cast, "carol", at, f"hello {SCRIPT}")
    zipped = await exported(cast, "carol")
    index = zipped.read("index.html").decode()
    page = zipped.read(f"conversations/{at.number}.html").decode()
    assert f'href="conversations/{at.number}.html"' in index
    assert "hello &lt;script&gt;" in page and "<script" not in page + index
    assert zipped.namelist()[0] == "person.json" and zipped.namelist()[-1] == "index.html"


async def test_the_persons_files_are_in_it(cast: Cast) -> None:
    at = await opened(cast, "carol", "alice")
    for who in ("carol", "alice"):
        stored: Attachment = await files.save(
            cast.engine, cast.acme.tenant.id, at.id, Source(f"of {who}".encode())
        )
        await say(cast, who, at, "", may_be_empty=True, attachments=json_text([stored]))
    zipped = await exported(cast, "carol")
    (name,) = [each for each in zipped.namelist() if each.startswith("files/")]
    assert zipped.read(name) == b"of carol" and name.endswith(".txt") and ".." not in name
    found = json.loads(zipped.read(f"conversations/{at.number}.json"))
    (own,), (others,) = [message["files"] for message in found["messages"]]
    assert own["path"] == name and "path" not in others and others["name"] == "my cat.txt"


async def test_a_user_gets_nothing_that_was_said_after_it_left_or_where_it_only_wrote(
    cast: Cast,
) -> None:
    ada, left, other = cast.acme.actor("ada"), await opened(cast, "carol", "olaf"), None
    await say(cast, "carol", left, "to Olaf")
    cast.clock.advance(1)
    await participants.remove(cast.engine, ada, left.id, [cast.acme.id("olaf")])
    cast.clock.advance(1)
    await say(cast, "carol", left, "about Olaf")
    other = await opened(cast, "dave")
    await say(cast, "dave", other, "not to Olaf")
    await say(cast, "olaf", other, "Olaf's own")
    await opened(cast, "dave")
    zipped = await exported(cast, "olaf")
    assert texts(zipped, left) == [("Carol Contact", "to Olaf", False)]
    assert texts(zipped, other) == [("Olaf User", "Olaf's own", True)]
    assert len([n for n in zipped.namelist() if n.endswith(".json")]) == 3


async def test_deliveries_logins_and_audit_entries_are_in_it(cast: Cast) -> None:
    about = json.loads((await exported(cast, "cleo")).read("person.json"))
    assert [d["external_reference_id"] for d in about["deliveries"]] == ["ORD-1", "ORD-2", "ORD-3"]
    assert [(e["action"], e["about"]) for e in about["audit"]] == [
        ("create", "user"), ("export", "user"),
    ]  # fmt: skip


async def test_managers_alone_export_and_it_is_in_the_audit_log(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        await exported(cast, "carol", cast.acme.actor("alice"))
    with pytest.raises(NotFound):
        await export(cast.engine, cast.acme.actor("ada"), cast.rival.id("carol"))
    await exported(cast, "carol")
    page = await audit_log.find_page(
        cast.engine, cast.acme.actor("ada"), "contact", "export", Window(limit=100)
    )
    assert [e.noun_id for e in page.items] == [cast.acme.id("carol")]


async def test_a_long_conversation_is_sent_in_small_pieces(cast: Cast) -> None:
    at = await opened(cast, "carol")
    random = Random(1)
    for n in range(450):
        await say(cast, "carol", at, f"{n} {random.randbytes(500).hex()}")
    pieces = [
        len(piece)
        async for piece in await export(cast.engine, cast.acme.actor("ada"), cast.acme.id("carol"))
    ]
    zipped = await exported(cast, "carol")
    assert [int(text.split()[0]) for _, text, _ in texts(zipped, at)] == [*range(450)]
    assert max(pieces) < sum(pieces) / 2
