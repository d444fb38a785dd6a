"""The engine's participants as this dialect's (delivery.md, Objects, D)."""

from koine.dialects.delivery.participants import schemas
from koine.kit.times import iso_ms
from koine.model.conversation import Participant
from koine.model.display_name import display_name


def render_participant(p: Participant) -> schemas.Participant:
    """One participant with their user details."""
    return schemas.Participant(
        p.identity_id,
        p.role,
        iso_ms(p.joined_at),
        None if p.left_at is None else iso_ms(p.left_at),
        p.read_message_id,
        schemas.User(
            p.identity_id, display_name(p), p.first_name, p.last_name, p.email, p.avatar_url
        ),
    )
