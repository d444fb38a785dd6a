"""From the engine's nouns to the wire's shapes, but for what is said. Pure."""

import msgspec

from koine.dialects.native import wire
from koine.dialects.native import wire_people as people
from koine.dialects.native import wire_setup as setup
from koine.dialects.native.values import raw, shown_bag, shown_time
from koine.engine.auth.api_keys import CreatedApiKey
from koine.engine.auth.sessions import LoggedIn
from koine.engine.people.identifier_claims import claims_of, unverified
from koine.kit.times import iso_ms
from koine.model.audit import AuditEntry
from koine.model.credential import ApiKey
from koine.model.delivery import Delivery
from koine.model.identity import Identity, ResponderVersion
from koine.model.inbox import ContactInbox, Inbox
from koine.model.tenant import Tenant, TenantSettings, TokenIssuer


def user(i: Identity) -> wire.User:
    """A user."""
    return wire.User(
        id=i.id,
        number=i.number,
        name=i.name,
        first_name=i.first_name,
        last_name=i.last_name,
        email=i.email,
        phone=i.phone,
        avatar_url=i.avatar_url,
        role=i.role,  # type: ignore[arg-type]  # the engine lets no other word in
        permissions=raw(i.permissions),
        blocked=i.blocked,
        custom_attributes=shown_bag(i.custom_attributes),
        created_at=iso_ms(i.created_at),
        updated_at=iso_ms(i.updated_at),
    )


def tokens(logged_in: LoggedIn) -> wire.Tokens:
    """A login's tokens."""
    return wire.Tokens(
        access_token=logged_in.access_token,
        refresh_token=logged_in.refresh_token,
        token_type="Bearer",
        expires_in=logged_in.expires_in,
        tenant_id=logged_in.tenant_id,
        user=user(logged_in.user),
    )


def tenant(t: Tenant, with_settings: bool) -> wire.Tenant:
    """The tenant; how it is set up is for those who see settings (`access.sees_settings`)."""
    settings = None
    if with_settings:
        held = msgspec.json.decode(t.settings, type=TenantSettings)
        settings = wire.TenantSettings(held.support_user_ids, _issuer(held.token_issuer))
    return wire.Tenant(
        id=t.id,
        number=t.number,
        slug=t.slug,
        name=t.name,
        default_responder_id=t.default_responder_id,
        settings=settings,
        created_at=iso_ms(t.created_at),
    )


def key(k: ApiKey) -> wire.Key:
    """An API key without its secret."""
    return wire.Key(
        id=k.id,
        name=k.name,
        prefix=k.prefix,
        user_id=k.user_id,
        permissions=raw(k.permissions),
        created_at=iso_ms(k.created_at),
        expires_at=shown_time(k.expires_at),
        revoked_at=shown_time(k.revoked_at),
        created_by=k.created_by,
        created_by_key=k.created_by_key,
    )


def made_key(made: CreatedApiKey) -> wire.MadeKey:
    """A new API key with its secret."""
    return wire.MadeKey(**msgspec.structs.asdict(key(made.key)), secret=made.text)


def audit_entry(e: AuditEntry) -> wire.AuditEntry:
    """An entry of the audit log."""
    return wire.AuditEntry(
        id=e.id,
        actor_kind=e.actor_kind,
        actor_id=e.actor_id,
        action=e.action,
        noun=e.noun,
        noun_id=e.noun_id,
        detail=raw(e.detail),
        created_at=iso_ms(e.created_at),
    )


def contact(i: Identity, place: ContactInbox | None = None) -> people.Contact:
    """A contact, with the place it was just given."""
    return people.Contact(
        id=i.id,
        number=i.number,
        name=i.name,
        first_name=i.first_name,
        last_name=i.last_name,
        email=i.email,
        phone=i.phone,
        identifier=i.identifier,
        avatar_url=i.avatar_url,
        company=i.company,
        job_title=i.job_title,
        location=i.location,
        country_code=i.country_code,
        blocked=i.blocked,
        labels=raw(i.labels),
        custom_attributes=shown_bag(i.custom_attributes),
        additional_attributes=shown_bag(i.additional_attributes),
        unverified=unverified(i),
        claims=_claims(i),
        last_activity_at=shown_time(i.last_activity_at),
        created_at=iso_ms(i.created_at),
        updated_at=iso_ms(i.updated_at),
        place=people.Place(place.inbox_id, place.source_id, place.pubsub_token) if place else None,
    )


def _claims(i: Identity) -> people.Claims:
    claimed = claims_of(i)
    return people.Claims([*claimed.emails], [*claimed.phones], [*claimed.identifiers])


def inbox(i: Inbox, with_keys: bool) -> setup.Inbox:
    """An inbox; what opens it is for those who see settings (`access.sees_settings`)."""
    return setup.Inbox(
        id=i.id,
        number=i.number,
        name=i.name,
        channel_type=i.channel_type,
        identifier=i.identifier if with_keys else None,
        hmac_token=i.hmac_token if with_keys else None,
        identity_required=i.identity_required,
        single_conversation=i.single_conversation,
        responder_id=i.responder_id,
        settings=raw(i.settings),
        created_at=iso_ms(i.created_at),
        updated_at=iso_ms(i.updated_at),
    )


def responder(i: Identity) -> setup.Responder:
    """A responder."""
    return setup.Responder(
        id=i.id,
        number=i.number,
        kind=i.kind,  # type: ignore[arg-type]  # only responders are asked for
        name=i.name,
        avatar_url=i.avatar_url,
        created_at=iso_ms(i.created_at),
        updated_at=iso_ms(i.updated_at),
    )


def version(v: ResponderVersion) -> setup.Version:
    """A version of a responder."""
    return setup.Version(v.id, v.responder_id, v.number, raw(v.settings), iso_ms(v.created_at))


def delivery(d: Delivery) -> setup.Delivery:
    """A delivery."""
    return setup.Delivery(
        id=d.id,
        external_reference_id=d.external_reference_id,
        delivery_code=d.delivery_code,
        customer_id=d.customer_id,
        driver_id=d.driver_id,
        status=d.status,
        created_at=iso_ms(d.created_at),
        updated_at=iso_ms(d.updated_at),
    )


def _issuer(known: TokenIssuer | None) -> wire.ShownIssuer | None:
    if known is None:
        return None
    key = None if known.algorithm == "HS256" else known.key
    return wire.ShownIssuer(known.algorithm, key, known.issuer, known.audience, known.jwks_url)
