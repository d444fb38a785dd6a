"""The users of the tenant."""

from koine.dialects.native import fields, pagination
from koine.dialects.native.users import schemas
from koine.dialects.native.users.render import render_user
from koine.engine import offboarding, unassignment
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
OBJECTS = ("custom_attributes", "permissions")

routes = Routes()


@routes.get(USERS, query=schemas.UserQuery, returns=schemas.Users, tags=TAGS)
async def list_users(request: Request[None, schemas.UserQuery]) -> schemas.Users:
    """List users, oldest first."""
    q = request.query
    f = PeopleFilter(kinds=("user",), search=q.search, roles=tuple(filter(None, q.role or ())))
    page = await directory.find_page(request.engine, request.actor, f, pagination.parse_window(q))
    return pagination.render_page(schemas.Users, page, render_user)


@routes.post(USERS, body=schemas.CreateUser, returns=schemas.User, status=201, tags=TAGS)
async def create_user(request: Request[schemas.CreateUser, None]) -> schemas.User:
    """Add a user. Nobody can make one who may do more than they may themselves."""
    given = fields.provided_fields(request.body, objects=OBJECTS)
    password = given.pop("password")
    new = NewIdentity(kind="user", **given)
    return render_user(await accounts.create(request.engine, request.actor, new, password))


@routes.get(USER, returns=schemas.User, path_types=TYPES, tags=TAGS)
async def get_user(request: Request[None, None]) -> schemas.User:
    """Get one user."""
    user_id = fields.path_id(request, "user_id")
    return render_user(await directory.get(request.engine, request.actor, user_id, "user"))


@routes.patch(USER, body=schemas.ChangeUser, returns=schemas.User, path_types=TYPES, tags=TAGS)
async def change_user(request: Request[schemas.ChangeUser, None]) -> schemas.User:
    """Change a user. A new password ends the user's sessions; one who is blocked is unassigned."""
    given = fields.provided_fields(request.body, objects=OBJECTS)
    password = given.pop("password", None)
    changed = await unassignment.change_user(
        request.engine,
        request.actor,
        fields.path_id(request, "user_id"),
        PersonChanges(**given),
        password,
    )
    return render_user(changed)


@routes.delete(USER, status=204, path_types=TYPES, tags=TAGS)
async def remove_user(request: Request[None, None]) -> None:
    """Remove a user and end its sessions and keys; its messages stay."""
    await offboarding.remove(
        request.engine, request.actor, fields.path_id(request, "user_id"), "user"
    )
