"""From the engine's inbox to that of the API. Pure."""

from koine.dialects.native import fields
from koine.dialects.native.inboxes import schemas
from koine.kit.times import iso_ms
from koine.model.inbox import Inbox


def render_inbox(i: Inbox, with_keys: bool) -> schemas.Inbox:
    """An inbox. `with_keys` (its identifier and HMAC token) needs `access.sees_settings`."""
    return schemas.Inbox(
        id=i.id,
        number=i.number,
        name=i.name,
        channel_type=i.channel_type,
        identifier=i.identifier if with_keys else None,
        hmac_token=i.hmac_token if with_keys else None,
        identity_required=i.identity_required,
        single_conversation=i.single_conversation,
        responder_id=i.responder_id,
        settings=fields.raw_json(i.settings),
        created_at=iso_ms(i.created_at),
        updated_at=iso_ms(i.updated_at),
    )
