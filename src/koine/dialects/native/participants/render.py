"""From the engine's participant to that of the API. Pure."""

from koine.dialects.native import fields
from koine.dialects.native.participants import schemas
from koine.kit.times import iso_ms
from koine.model.conversation import Participant
from koine.model.display_name import display_name


def render_participant(p: Participant) -> schemas.Participant:
    """A present or former participant."""
    return schemas.Participant(
        identity_id=p.identity_id,
        kind=p.kind,
        name=display_name(p),
        email=p.email,
        avatar_url=p.avatar_url,
        role=p.role,
        joined_at=iso_ms(p.joined_at),
        left_at=fields.render_time(p.left_at),
        last_read_seq=p.read_seq,
        last_read_message_id=p.read_message_id,
    )
