"""Find users by what was typed: an e-mail or an id."""

from koine.engine.core.engine import Engine
from koine.engine.people import directory
from koine.kit.ids import canonical_id
from koine.model.actor import Actor
from koine.model.errors import NotFound
from koine.model.filters import PeopleFilter
from koine.model.identity import Identity
from koine.model.page import Window

PAGE_SIZE = 100


async def find_user(engine: Engine, operator_actor: Actor, name: str) -> Identity:
    """The user with this e-mail or id. Raises NotFound("user")."""
    wanted = canonical_id(name)
    if wanted is not None:
        return await directory.get(engine, operator_actor, wanted, "user")
    search = PeopleFilter(kinds=("user",), search=name)
    page = await directory.find_page(engine, operator_actor, search, Window(limit=PAGE_SIZE))
    for user in page.items:
        if user.email == name.strip().lower():
            return user
    raise NotFound(f"user: {name}")


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
