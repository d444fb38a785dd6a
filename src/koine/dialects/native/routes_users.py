"""The users of the tenant."""

from koine.dialects.native import cursors, shapes, values, wire
from koine.dialects.native import wire_people as people_wire
from koine.engine import offboarding
from koine.engine.people import accounts, directory
from koine.engine.people.directory import PersonChanges
from koine.http.request import Request
from koine.http.route import PathType, Routes
from koine.model.filters import PeopleFilter
from koine.model.identity import NewIdentity

USERS = "/v1/users"
USER = "/v1/users/{user_id}"
TAGS = ("Users",)
TYPES: dict[str, PathType] = {"user_id": "uuid"}
BAGS = ("custom_attributes", "permissions")

routes = Routes()


@routes.get(USERS, query=people_wire.UserQuery, returns=people_wire.Users, tags=TAGS)
async def list_users(call: Request[None, people_wire.UserQuery]) -> people_wire.Users:
    """List users, oldest first."""
    q = call.query
    f = PeopleFilter(kinds=("user",), search=q.search, roles=tuple(filter(None, q.role or ())))
    page = await directory.find(call.engine, call.actor, f, cursors.window(q))
    return cursors.shown(people_wire.Users, page, shapes.user)


@routes.post(USERS, body=people_wire.CreateUser, returns=wire.User, status=201, tags=TAGS)
async def create_user(call: Request[people_wire.CreateUser, None]) -> wire.User:
    """Add a user. Nobody can make one who may do more than they may themselves."""
    given = values.changed_fields(call.body, bags=BAGS)
    password = given.pop("password")
    new = NewIdentity(kind="user", **given)
    return shapes.user(await accounts.create(call.engine, call.actor, new, password))


@routes.get(USER, returns=wire.User, path_types=TYPES, tags=TAGS)
async def get_user(call: Request[None, None]) -> wire.User:
    """Get one user."""
    user_id = values.path_id(call, "user_id")
    return shapes.user(await directory.get(call.engine, call.actor, user_id, "user"))


@routes.patch(USER, body=people_wire.ChangeUser, returns=wire.User, path_types=TYPES, tags=TAGS)
async def change_user(call: Request[people_wire.ChangeUser, None]) -> wire.User:
    """Change a user. A new password ends the user's sessions."""
    given = values.changed_fields(call.body, bags=BAGS)
    password = given.pop("password", None)
    changed = await accounts.change(
        call.engine, call.actor, values.path_id(call, "user_id"), PersonChanges(**given), password
    )
    return shapes.user(changed)


@routes.delete(USER, status=204, path_types=TYPES, tags=TAGS)
async def remove_user(call: Request[None, None]) -> None:
    """Remove a user, whose sessions and keys end; what they said stays."""
    await offboarding.remove(call.engine, call.actor, values.path_id(call, "user_id"), "user")
