"""An erased person: what is gone, what others still see, and that nothing comes back."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from koine.engine import audit_log, offboarding
from koine.engine.auth import api_keys, credentials, sessions
from koine.engine.contacts import callers, merge
from koine.engine.conversations import conversations, delivery_conversations, messages
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.engine.maintenance import maintenance
from koine.engine.maintenance.maintenance import EVERY
from koine.engine.people import accounts, directory
from koine.engine.people.directory import PersonChanges
from koine.engine.personal_data import erased_list, erasure
from koine.engine.personal_data.erased_list import ErasedPerson
from koine.engine.retention import holds
from koine.kit.times import SECOND
from koine.model.actor import operator
from koine.model.conversation import Conversation, NewConversation, SenderKind
from koine.model.errors import Conflict, Forbidden, NotFound, Unauthenticated
from koine.model.filters import MessageFilter, PeopleFilter
from koine.model.identity import Identity, NewIdentity
from koine.model.message import Draft, Message
from koine.model.page import Window
from koine.model.personal_data import ERASED_ATTRIBUTES, Erasure, MessagePolicy
from koine.store.contacts import inboxes
from koine.store.core.db import Database
from koine.store.events import events
from koine.store.people import identities
from koine.store.personal_data import erasures
from tests.cast import PASSWORD, Cast, make_cast

ALL = Window(limit=100)


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path)}


async def conversation_of(cast: Cast, owner: str, *others: str) -> Conversation:
    joining = tuple((cast.acme.id(who), "member") for who in others)
    new = NewConversation(
        title="About Carol Contact", owner_id=cast.acme.id(owner), metadata='{"a":"b"}',
        participants=joining,  # type: ignore[arg-type]  # "member" is a role
    )  # fmt: skip
    return await conversations.create(cast.engine, cast.acme.actor("ada"), new)


async def say(cast: Cast, who: str, at: Conversation, text: str, **more: Any) -> Message:
    kind: SenderKind = "contact" if who in ("carol", "dave") else "user"
    draft = Draft(content=text, sender_id=cast.acme.id(who), sender_kind=kind, **more)
    return await messages.send_unchecked(cast.engine, cast.acme.actor(who), at.id, draft)


async def erase(cast: Cast, who: str, policy: MessagePolicy | None = None) -> Erasure:
    done = await erasure.erase(
        cast.engine, cast.acme.actor("ada"), cast.acme.id(who), messages=policy
    )
    return done.erasure


async def listed(cast: Cast, at: Conversation) -> list[Message]:
    f = MessageFilter(oldest_first=True, with_private=True)
    page = await messages.find_page(cast.engine, cast.acme.actor("ada"), at.id, f, ALL)
    return page.items


async def row(cast: Cast, who: str) -> Identity:
    found = await cast.engine.db.read(cast.acme.tenant.id, identities.get, cast.acme.id(who))
    assert found is not None
    return found


async def logged(cast: Cast, after: int = 0) -> list[tuple[str, str, str]]:
    found = await cast.engine.db.read(
        cast.acme.tenant.id, events.of_tenant_after, after, 1 << 62, 1000
    )
    return [(e.kind, e.subject_id, e.body) for e in found]


async def test_a_contact_becomes_a_tombstone(cast: Cast) -> None:
    ada, carol = cast.acme.actor("ada"), cast.acme.id("carol")
    every = PersonChanges(
        first_name="Carol", last_name="C", phone="+491", identifier="crm-1", company="C",
        avatar_url="https://a.test/c.png", custom_attributes='{"a":1}', location="Kiel",
    )  # fmt: skip
    before = await directory.change(cast.engine, ada, carol, "contact", every)
    done = await erase(cast, "carol")
    gone = await row(cast, "carol")
    kept = {"id", "number", "kind", "created_at", "updated_at", "removed_at", "name", "blocked"}
    shown = {n: v for n, v in structs.asdict(gone).items() if n not in kept}
    assert set(shown.values()) <= {None, "{}", "[]", True}
    assert (gone.name, gone.blocked, gone.number) == ("Deleted contact", True, before.number)
    assert gone.removed_at is not None and done.erased_at is not None
    places = await cast.engine.db.read(ada.tenant_id, inboxes.contact_inboxes_of, [carol])
    assert places == []
    found = await directory.find_page(cast.engine, ada, PeopleFilter(search="Carol"), ALL)
    assert found.items == []


async def test_its_messages_are_emptied_and_readers_receive_an_event_for_each(cast: Cast) -> None:
    at = await conversation_of(cast, "carol", "alice")
    first = await say(cast, "carol", at, "my secret", metadata='{"m":1}', client_key="ext:secret")
    await say(cast, "alice", at, 'you said "my secret"', parent_id=first.id)
    last = await say(cast, "carol", at, "another", echo_id="echo of carol")
    done = await erase(cast, "carol")
    shown = await listed(cast, at)
    assert [m.content for m in shown] == [None, 'you said "my secret"', None]
    assert [m.sender_name for m in shown] == ["Deleted contact", "Alice User", "Deleted contact"]
    assert shown[0].content_attributes == ERASED_ATTRIBUTES
    assert (shown[0].metadata, shown[0].client_key, shown[0].seq) == (None, None, 1)
    found = await logged(cast)
    assert [e[1] for e in found if e[0] == "message.updated"] == [first.id, last.id]
    assert "echo of carol" not in str(found)
    assert {e[0] for e in found if e[1] == cast.acme.id("carol")} >= {
        "identity.updated", "identity.removed", "participant.left",
    }  # fmt: skip
    counts = erasure.counts_of(done)
    assert (counts.people, counts.messages, counts.conversations) == (1, 2, 1)


async def test_the_conversation_loses_its_preview_and_what_was_written_about_it(
    cast: Cast,
) -> None:
    at = await conversation_of(cast, "carol", "alice")
    await say(cast, "alice", at, "hello")
    await say(cast, "carol", at, "my secret")
    await erase(cast, "carol")
    after = (await conversations.get(cast.engine, cast.acme.actor("ada"), at.id)).one
    assert (after.last_content, after.previous_content) == (None, "hello")
    assert (after.title, after.metadata, after.owner_id) == (None, None, cast.acme.id("carol"))
    assert "About Carol" not in str(await logged(cast))


async def test_staff_keeps_its_messages_without_the_name(cast: Cast) -> None:
    at = await conversation_of(cast, "carol", "dan")
    await say(cast, "dan", at, "on my way")
    done = await erase(cast, "dan")
    (shown,) = await listed(cast, at)
    assert (shown.content, shown.sender_name, shown.sender_email) == (
        "on my way", "Deleted user", None,
    )  # fmt: skip
    assert (done.messages, shown.sender_role) == ("keep", "driver")
    after = (await conversations.get(cast.engine, cast.acme.actor("ada"), at.id)).one
    assert (after.title, after.last_content) == ("About Carol Contact", "on my way")


async def test_messages_where_a_user_took_no_part_are_found_when_they_are_to_be_erased(
    cast: Cast,
) -> None:
    at = await conversation_of(cast, "carol")
    await say(cast, "alice", at, "a note of Alice's", private=True)
    await erase(cast, "alice", "erase")
    (shown,) = await listed(cast, at)
    assert (shown.content, shown.private) == (None, True)


async def test_a_customer_without_role_is_erased_and_the_title_of_its_delivery_too(
    cast: Cast,
) -> None:
    parcel = NewDeliveryConversation(delivery_id=cast.acme.deliveries[0].id)
    at, _ = await delivery_conversations.open_(cast.engine, cast.acme.actor("dan"), parcel)
    assert at.title == "#ORD-1 - Cleo User"
    await say(cast, "cleo", at, "ring twice")
    assert (await erase(cast, "cleo")).messages == "erase"
    after = (await conversations.get(cast.engine, cast.acme.actor("ada"), at.id)).one
    assert (after.title, after.last_content) == ("#ORD-1 - Deleted user", None)


async def test_every_credential_of_a_user_ends(cast: Cast) -> None:
    ada, olaf = cast.acme.actor("ada"), cast.acme.people["olaf"]
    await accounts.change(cast.engine, ada, olaf.id, PersonChanges(), PASSWORD)
    session = await sessions.log_in(cast.engine, olaf.email or "", PASSWORD)
    key = await api_keys.create(cast.engine, ada, "Olaf's", frozenset(), user_id=olaf.id)
    await credentials.by_token(cast.engine, session.access_token)
    await erase(cast, "olaf")
    with pytest.raises(Unauthenticated):
        await credentials.by_token(cast.engine, session.access_token)
    with pytest.raises(Unauthenticated):
        await credentials.by_key(cast.engine, key.text)
    with pytest.raises(Unauthenticated):
        await sessions.log_in(cast.engine, olaf.email or "", PASSWORD)
    (known,) = [k for k in await api_keys.list_all(cast.engine, ada) if k.id == key.key.id]
    assert known.name == "Deleted user" and known.revoked_at is not None


async def test_a_second_time_is_harmless_and_more_may_be_erased_then(cast: Cast) -> None:
    at = await conversation_of(cast, "carol")
    await say(cast, "carol", at, "my secret")
    assert (await erase(cast, "carol", "keep")).messages == "keep"
    assert (await listed(cast, at))[0].content == "my secret"
    assert (await erase(cast, "carol")).messages == "keep"
    assert (await erase(cast, "carol", "erase")).messages == "erase"
    again = await erase(cast, "carol", "keep")
    assert again.messages == "erase" and (await listed(cast, at))[0].content is None
    assert erasure.counts_of(again).people == 1


async def test_contacts_that_were_merged_into_it_are_erased_with_it(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    await merge.merge(cast.engine, ada, cast.acme.id("carol"), cast.acme.id("dave"))
    # By the id of the one that is gone, the one that is left is meant.
    done = await erase(cast, "dave")
    assert (done.id, done.ids[1:]) == (cast.acme.id("carol"), [cast.acme.id("dave")])
    for who in ("carol", "dave"):
        assert ((await row(cast, who)).name, (await row(cast, who)).email) == (
            "Deleted contact", None,
        )  # fmt: skip


async def test_others_claims_of_its_values_are_erased_and_its_doubles_named(cast: Cast) -> None:
    ada, tenant_id = cast.acme.actor("ada"), cast.acme.tenant.id
    double = NewIdentity(kind="user", email="carol@web.test")
    other = await directory.create(cast.engine, ada, double)
    dave = structs.replace(
        await row(cast, "dave"), claims='{"emails":["carol@web.test","d@web.test"]}'
    )
    place = structs.replace(
        cast.acme.contact_inboxes["dave"], given='{"email":"carol@web.test","name":"D"}'
    )
    await cast.engine.db.write(tenant_id, identities.change, dave)
    await cast.engine.db.write(tenant_id, inboxes.change_contact_inbox, place)
    done = await erasure.erase(cast.engine, ada, cast.acme.id("carol"))
    assert (await row(cast, "dave")).claims == '{"emails":["d@web.test"]}'
    (after,) = await cast.engine.db.read(tenant_id, inboxes.contact_inboxes_of, [dave.id])
    assert after.given == '{"name":"D"}'
    assert (done.similar, erasure.counts_of(done.erasure).claims) == ([other.id], 1)


async def test_the_audit_log_says_that_and_how_much_and_not_whom(cast: Cast) -> None:
    ada, carol = cast.acme.actor("ada"), cast.acme.id("carol")
    named = PersonChanges(identifier="crm-carol")
    await directory.change(cast.engine, ada, carol, "contact", named)
    await offboarding.remove(cast.engine, ada, carol, "contact")
    await erase(cast, "carol")
    entries = (await audit_log.find_page(cast.engine, ada, "contact", None, ALL)).items
    about = [(e.action, e.detail) for e in entries if e.noun_id == carol]
    assert [action for action, _ in about][:2] == ["finish_erasure", "erase"]
    assert '"people":1' in about[0][1] and "crm-carol" not in str(about)


async def test_an_interrupted_erasure_is_finished_and_every_one_checked_later(
    empty_db: Database, tmp_path: Path
) -> None:
    cast = await make_cast(empty_db, None, data_dir=str(tmp_path))
    tenant_id, carol = cast.acme.tenant.id, cast.acme.id("carol")
    at = await conversation_of(cast, "carol")
    await say(cast, "carol", at, "my secret")
    await erasure.request(cast.engine, cast.acme.actor("ada"), carol)
    assert (await listed(cast, at))[0].content == "my secret"
    cast.clock.advance(EVERY / SECOND)
    report = await maintenance.run_once(cast.engine)
    assert report is not None and report.erasures == 1
    assert (await listed(cast, at))[0].content is None
    # What a request that was still running wrote in the meantime is found by the check.
    late = structs.replace(await row(cast, "carol"), email="late@web.test")
    await cast.engine.db.write(tenant_id, identities.change, late)
    cast.clock.advance(erasure.CHECK_AFTER / SECOND + 1)
    assert (await maintenance.run_once(cast.engine)) is not None
    assert (await row(cast, "carol")).email is None
    done = await cast.engine.db.read(tenant_id, erasures.get, carol)
    assert done is not None and done.checked_at is not None
    cast.clock.advance(EVERY / SECOND)
    report = await maintenance.run_once(cast.engine)
    assert report is not None and report.erasures == 0


async def test_what_is_sent_meanwhile_is_refused_or_erased(cast: Cast) -> None:
    at = await conversation_of(cast, "carol")

    async def keep_sending() -> int:
        sent = 0
        while True:
            try:
                await say(cast, "carol", at, f"still here {sent}")
            except Forbidden:
                return sent
            sent += 1
            begun.set()

    begun = asyncio.Event()
    sending = asyncio.create_task(keep_sending())
    await begun.wait()
    await erase(cast, "carol")
    assert await sending > 0
    assert {m.content for m in await listed(cast, at)} == {None}


async def test_the_people_of_the_list_are_erased_again_after_a_restore(cast: Cast) -> None:
    carol = await row(cast, "carol")
    await erase(cast, "carol")
    listed_people = erased_list.load(erased_list.path_of(cast.engine))
    assert [p.id for p in listed_people if p.tenant_id == cast.acme.tenant.id] == [carol.id]
    assert (await erasure.erase_again(cast.engine, listed_people)).erasures == []
    # As a restored backup has it.
    await cast.engine.db.write(cast.acme.tenant.id, identities.change, carol)
    lost = structs.replace(listed_people[0], id=cast.acme.id("dave"))
    gone = structs.replace(listed_people[0], id="00000000-0000-7000-8000-000000000000")
    done = await erasure.erase_again(cast.engine, [lost, gone])
    assert ([each.id for each in done.erasures], done.missing) == ([cast.acme.id("dave")], 1)


async def test_contacts_that_were_merged_after_the_backup_are_erased_again(cast: Cast) -> None:
    ada, dave = cast.acme.actor("ada"), await row(cast, "dave")
    await merge.merge(cast.engine, ada, cast.acme.id("carol"), dave.id)
    await erase(cast, "carol")
    people = erased_list.load(erased_list.path_of(cast.engine))
    # As a restored backup has it.
    await cast.engine.db.write(cast.acme.tenant.id, identities.change, dave)
    done = await erasure.erase_again(cast.engine, people)
    assert [each.id for each in done.erasures] == [dave.id]
    assert (await row(cast, "dave")).name == "Deleted contact"
    assert (await erasure.erase_again(cast.engine, people)).erasures == []


async def test_whom_a_hold_keeps_is_named_and_the_others_are_erased_again(cast: Cast) -> None:
    ada, carol, dave = cast.acme.actor("ada"), cast.acme.id("carol"), cast.acme.id("dave")
    await holds.place(cast.engine, ada, "contact", carol, "case 4711")
    people = [ErasedPerson(ada.tenant_id, each, "contact", "erase", 1) for each in (carol, dave)]
    done = await erasure.erase_again(cast.engine, people)
    assert ([each.id for each in done.erasures], done.held) == ([dave], [carol])


def test_a_list_that_was_cut_off_is_read_and_another_file_is_none(tmp_path: Path) -> None:
    one = "00000000-0000-7000-8000-000000000001"
    line = (
        f'{{"tenant_id":"{one}","id":"{one}","kind":"contact","messages":"erase",'
        '"requested_at":1}\n'
    ).encode()
    (tmp_path / "cut").write_bytes(line + line[:20])
    (tmp_path / "other").write_bytes(b"hello\n")
    assert len(erased_list.load(tmp_path / "cut")) == 1
    with pytest.raises(erased_list.BadList):
        erased_list.load(tmp_path / "other")


@pytest.mark.parametrize("who", ["alice", "dora", "dan"])
async def test_only_managers_erase(cast: Cast, who: str) -> None:
    with pytest.raises(Forbidden):
        await erasure.erase(cast.engine, cast.acme.actor(who), cast.acme.id("carol"))


async def test_nobody_erases_themselves_or_people_of_others(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    with pytest.raises(Conflict):
        await erasure.erase(cast.engine, ada, cast.acme.id("ada"))
    for unknown in (cast.rival.id("carol"), cast.acme.inbox.id):
        with pytest.raises(NotFound):
            await erasure.erase(cast.engine, operator(cast.acme.tenant.id), unknown)
    with pytest.raises(NotFound):
        await erasure.erase(cast.engine, ada, cast.acme.id("carol"), "user")


async def test_its_client_is_no_longer_known(cast: Cast) -> None:
    place = cast.acme.contact_inboxes["carol"]
    await erase(cast, "carol")
    with pytest.raises(NotFound):
        await callers.resolve(cast.engine, cast.acme.inbox.identifier, place.source_id)
