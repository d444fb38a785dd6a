"""From the engine's nouns to the wire's shapes, but for what is said. Pure."""

import msgspec

from koine.dialects.native import wire
from koine.dialects.native import wire_people as people
from koine.dialects.native import wire_setup as setup
from koine.dialects.native.values import raw, shown_time
from koine.engine.keys import MadeKey
from koine.engine.sessions import LoggedIn
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.audit import AuditEntry
from koine.model.credential import ApiKey
from koine.model.delivery import Delivery
from koine.model.identity import Identity, ResponderVersion
from koine.model.inbox import ContactInbox, Inbox
from koine.model.permissions import MANAGE_TENANT
from koine.model.tenant import Tenant, TenantSettings, TokenIssuer


def user(i: Identity) -> wire.User:
    """A user."""
    return wire.User(
        i.id,
        i.number,
        i.name,
        i.first_name,
        i.last_name,
        i.email,
        i.phone,
        i.avatar_url,
        i.role,  # type: ignore[arg-type]  # the engine lets no other word in
        raw(i.permissions),
        i.blocked,
        raw(i.custom_attributes),
        iso_ms(i.created_at),
        iso_ms(i.updated_at),
    )


def tokens(logged_in: LoggedIn) -> wire.Tokens:
    """A login's tokens."""
    return wire.Tokens(
        logged_in.access_token,
        logged_in.refresh_token,
        "Bearer",
        logged_in.expires_in,
        logged_in.tenant_id,
        user(logged_in.user),
    )


def tenant(t: Tenant, actor: Actor) -> wire.Tenant:
    """The tenant, as this actor may see it."""
    settings = None
    if actor.may(MANAGE_TENANT):
        held = msgspec.json.decode(t.settings, type=TenantSettings)
        settings = wire.TenantSettings(held.support_user_ids, _issuer(held.token_issuer))
    return wire.Tenant(
        t.id, t.number, t.slug, t.name, t.default_responder_id, settings, iso_ms(t.created_at)
    )


def key(k: ApiKey) -> wire.Key:
    """An API key without its secret."""
    return wire.Key(
        k.id,
        k.name,
        k.prefix,
        k.user_id,
        raw(k.permissions),
        iso_ms(k.created_at),
        shown_time(k.expires_at),
        shown_time(k.revoked_at),
    )


def made_key(made: MadeKey) -> wire.MadeKey:
    """A new API key with its secret."""
    return wire.MadeKey(**msgspec.structs.asdict(key(made.key)), secret=made.text)


def audit_entry(e: AuditEntry) -> wire.AuditEntry:
    """An entry of the audit log."""
    return wire.AuditEntry(
        e.id,
        e.actor_kind,
        e.actor_id,
        e.action,
        e.noun,
        e.noun_id,
        raw(e.detail),
        iso_ms(e.created_at),
    )


def contact(i: Identity, place: ContactInbox | None = None) -> people.Contact:
    """A contact, with the place it was just given."""
    return people.Contact(
        i.id,
        i.number,
        i.name,
        i.first_name,
        i.last_name,
        i.email,
        i.phone,
        i.identifier,
        i.avatar_url,
        i.company,
        i.job_title,
        i.location,
        i.country_code,
        i.blocked,
        raw(i.labels),
        raw(i.custom_attributes),
        raw(i.additional_attributes),
        shown_time(i.last_activity_at),
        iso_ms(i.created_at),
        iso_ms(i.updated_at),
        people.Place(place.inbox_id, place.source_id, place.pubsub_token) if place else None,
    )


def inbox(i: Inbox, actor: Actor) -> setup.Inbox:
    """An inbox; what opens it is shown to those who manage it alone."""
    manages = actor.may(MANAGE_TENANT)
    return setup.Inbox(
        i.id,
        i.number,
        i.name,
        i.channel_type,
        i.identifier if manages else None,
        i.hmac_token if manages else None,
        i.identity_required,
        i.single_conversation,
        i.responder_id,
        raw(i.settings),
        iso_ms(i.created_at),
        iso_ms(i.updated_at),
    )


def responder(i: Identity) -> setup.Responder:
    """A responder."""
    return setup.Responder(
        i.id,
        i.number,
        i.kind,  # type: ignore[arg-type]  # only responders are asked for
        i.name,
        i.avatar_url,
        iso_ms(i.created_at),
        iso_ms(i.updated_at),
    )


def version(v: ResponderVersion) -> setup.Version:
    """A version of a responder."""
    return setup.Version(v.id, v.responder_id, v.number, raw(v.settings), iso_ms(v.created_at))


def delivery(d: Delivery) -> setup.Delivery:
    """A delivery."""
    return setup.Delivery(
        d.id,
        d.external_reference_id,
        d.delivery_code,
        d.customer_id,
        d.driver_id,
        d.status,
        iso_ms(d.created_at),
        iso_ms(d.updated_at),
    )


def _issuer(known: TokenIssuer | None) -> wire.ShownIssuer | None:
    if known is None:
        return None
    key = None if known.algorithm == "HS256" else known.key
    return wire.ShownIssuer(known.algorithm, key, known.issuer, known.audience)
