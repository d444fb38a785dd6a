"""From an identity to a responder of the API. Pure."""

from koine.dialects.native import fields
from koine.dialects.native.responders import schemas
from koine.kit.times import iso_ms
from koine.model.identity import Identity, ResponderVersion


def render_responder(i: Identity) -> schemas.Responder:
    """A responder."""
    return schemas.Responder(
        id=i.id,
        number=i.number,
        kind=i.kind,  # type: ignore[arg-type]  # the engine returns responders only
        name=i.name,
        avatar_url=i.avatar_url,
        created_at=iso_ms(i.created_at),
        updated_at=iso_ms(i.updated_at),
    )


def render_version(v: ResponderVersion) -> schemas.Version:
    """A version of a responder."""
    return schemas.Version(
        v.id, v.responder_id, v.number, fields.raw_json(v.settings), iso_ms(v.created_at)
    )
