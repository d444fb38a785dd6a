"""Find people by what was typed: an e-mail or an id."""

from koine.cli.errors import CommandError
from koine.cli.texts import require_text
from koine.engine.core.engine import Engine
from koine.engine.people import directory
from koine.engine.personal_data import same_person
from koine.kit.ids import canonical_id
from koine.model.actor import Actor
from koine.model.errors import NotFound
from koine.model.filters import PeopleFilter, Search
from koine.model.identity import Identity
from koine.model.page import Window

PAGE_SIZE = 100


async def find_user(engine: Engine, operator_actor: Actor, name: str) -> Identity:
    """The user with this e-mail or id. Raises NotFound("user")."""
    wanted = canonical_id(name)
    if wanted is not None:
        return await directory.get(engine, operator_actor, wanted, "user")
    require_text("user", name, Search)
    search = PeopleFilter(kinds=("user",), search=name)
    page = await directory.find_page(engine, operator_actor, search, Window(limit=PAGE_SIZE))
    for user in page.items:
        if user.email == name.strip().lower():
            return user
    raise NotFound(f"user: {name}")


async def find_person(engine: Engine, operator_actor: Actor, name: str) -> Identity:
    """The contact or user with this id, or the only one with this e-mail, removed ones too. Raises
    NotFound, CommandError when several have the e-mail."""
    wanted = canonical_id(name)
    if wanted is not None:
        return await same_person.get(engine, operator_actor, wanted)
    require_text("person", name, Search)
    text = name.strip().lower()
    every = await same_person.search(engine, operator_actor, text)
    found = [each for each in every if each.email == text]
    if len(found) > 1:
        ids = ", ".join(each.id for each in found)
        raise CommandError(f"several people have this e-mail; give an id: {ids}")
    if not found:
        raise NotFound(f"person: {name}")
    return found[0]


async def people_like(engine: Engine, operator_actor: Actor, text: str) -> list[Identity]:
    """The contacts and users, removed ones too, that have this id, or whose names, e-mail, phone,
    identifier or company have the text; at most a hundred."""
    wanted = canonical_id(text)
    if wanted is not None:
        return [await same_person.get(engine, operator_actor, wanted)]
    require_text("text", text, Search)
    return await same_person.search(engine, operator_actor, text)


async def all_users(engine: Engine, operator_actor: Actor) -> list[Identity]:
    """Every user of the tenant, oldest first."""
    found: list[Identity] = []
    window = Window(limit=PAGE_SIZE)
    while True:
        page = await directory.find_page(
            engine, operator_actor, PeopleFilter(kinds=("user",)), window
        )
        found += page.items
        if page.next is None:
            return found
        window = Window(limit=PAGE_SIZE, cursor=page.next)
