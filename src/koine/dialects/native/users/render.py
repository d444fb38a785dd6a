"""From an identity to a user of the API. Pure."""

from koine.dialects.native import fields
from koine.dialects.native.users import schemas
from koine.kit.times import iso_ms
from koine.model.identity import Identity


def render_user(i: Identity) -> schemas.User:
    """A user."""
    return schemas.User(
        id=i.id,
        number=i.number,
        name=i.name,
        first_name=i.first_name,
        last_name=i.last_name,
        email=i.email,
        phone=i.phone,
        avatar_url=i.avatar_url,
        role=i.role,  # type: ignore[arg-type]  # the engine accepts no other word
        permissions=fields.raw_json(i.permissions),
        blocked=i.blocked,
        custom_attributes=fields.render_attributes(i.custom_attributes),
        created_at=iso_ms(i.created_at),
        updated_at=iso_ms(i.updated_at),
    )
