"""From the engine's inbox to that of the API. Pure."""

from koine.dialects.native import fields
from koine.dialects.native.inboxes import schemas
from koine.engine.contacts.hmac_tokens import newest_token
from koine.engine.core.encryption import SealingKeys
from koine.kit.times import iso_ms
from koine.model.inbox import Inbox


def render_inbox(i: Inbox, keys: SealingKeys | None) -> schemas.Inbox:
    """An inbox. `keys` open its HMAC token, and are only given for a reader who sees it and the
    identifier (`access.sees_settings`). A token that they do not open is null."""
    return schemas.Inbox(
        id=i.id,
        number=i.number,
        name=i.name,
        channel_type=i.channel_type,
        identifier=None if keys is None else i.identifier,
        hmac_token=None if keys is None else newest_token(keys, i),
        old_hmac_token_until=None if keys is None else fields.render_time(i.old_hmac_token_until),
        identity_required=i.identity_required,
        single_conversation=i.single_conversation,
        responder_id=i.responder_id,
        settings=fields.raw_json(i.settings),
        created_at=iso_ms(i.created_at),
        updated_at=iso_ms(i.updated_at),
    )
