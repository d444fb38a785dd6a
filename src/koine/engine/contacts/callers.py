"""Which contact calls: from a public address or a pubsub token to the contact (inbox.md)."""

from functools import cached_property

from msgspec import Struct, structs

from koine.engine.auth import access, suspension
from koine.engine.contacts import rights
from koine.engine.contacts.hmac_tokens import valid_tokens
from koine.engine.contacts.rights import ContactRights
from koine.engine.core.encryption import SealingKeys
from koine.engine.core.engine import Engine
from koine.engine.core.recorder import record_event
from koine.kit.tokens import constant_time_equal, hmac_hex
from koine.model.errors import NotFound, Unauthenticated
from koine.model.identity import Identity
from koine.model.inbox import ContactInbox, Inbox
from koine.model.tenant import Tenant
from koine.store import tenants
from koine.store.contacts import inboxes
from koine.store.core.db import Tx
from koine.store.people import identities


def no_budget() -> None:
    """Refuse nothing: the default where there is no budget."""


class ContactCaller(Struct, frozen=True, dict=True):
    """The inbox and contact of a request to a public address.

    `contact_inbox` and `contact` are None where the address names only the inbox.
    `proven_elsewhere`, whether another contact inbox proved the identifier, is only looked up for
    inboxes that trust their clients. `keys` open the inbox's HMAC tokens, of which those count that
    are valid `at` (µs); without keys no identity hash is valid.
    """

    tenant: Tenant
    inbox: Inbox
    contact_inbox: ContactInbox | None = None
    contact: Identity | None = None
    proven_elsewhere: bool = False
    keys: SealingKeys | None = None
    at: int = 0

    @property
    def contact_at_inbox(self) -> tuple[ContactInbox, Identity]:
        """The contact inbox and its contact. Raises NotFound where only the inbox was named."""
        if self.contact_inbox is None or self.contact is None:
            raise NotFound("contact")
        return self.contact_inbox, self.contact

    @property
    def must_prove_identity(self) -> bool:
        """Whether each request must have an identity hash: because the inbox requires it, or
        because the contact inbox has proven an identifier once (inbox.md, D)."""
        proven_once = self.contact_inbox is not None and self.contact_inbox.proof_required
        return self.inbox.identity_required or proven_once

    @cached_property
    def hmac_tokens(self) -> tuple[str, ...]:
        """The inbox's HMAC tokens that prove an identifier: the newest, and in the overlap of a
        rotation the one before."""
        return () if self.keys is None else valid_tokens(self.keys, self.inbox, self.at)

    @cached_property
    def rights(self) -> ContactRights:
        """What the contact inbox may see and change. Raises NotFound as `contact_at_inbox`."""
        return rights.rights(self.inbox, *self.contact_at_inbox, self.proven_elsewhere)

    @cached_property
    def public_contact(self) -> Identity:
        """The contact as the contact inbox may see it. Raises NotFound as `contact_at_inbox`."""
        return rights.public_contact(self.inbox, *self.contact_at_inbox, self.rights)


async def resolve(engine: Engine, inbox_identifier: str, source_id: str | None) -> ContactCaller:
    """The inbox and contact of a public address. Raises NotFound for what is unknown or removed,
    TenantSuspended."""
    found = await engine.db.read("", inboxes.get_by_identifier, inbox_identifier)
    if found is None:
        raise NotFound("inbox")
    return await _caller(engine, found.tenant_id, found.inbox_id, source_id)


async def verify_for_change(
    engine: Engine, caller: ContactCaller, shown: str | None, identifier: str | None
) -> ContactCaller:
    """As `verify_identity`, for a change of the contact. A contact inbox that need not show a hash
    may show that of another `identifier`, to be merged into its contact (`contacts.merge`).

    Raises Forbidden for a contact that is blocked, Unauthenticated.
    """
    contact = caller.contact_at_inbox[1]
    access.check_not_blocked(contact)
    is_other = identifier != contact.identifier and is_hash_of(caller, identifier, shown)
    if not caller.must_prove_identity and is_other:
        return caller
    return await verify_identity(engine, caller, shown)


async def verify_identity(
    engine: Engine, caller: ContactCaller, shown: str | None
) -> ContactCaller:
    """Verify the identity hash that a contact shows, and store which identifier it proves.

    Raises Unauthenticated where a hash is wrong, or is missing although the inbox or an earlier
    request of this contact inbox makes it necessary (inbox.md, D).
    """
    contact = caller.contact_at_inbox[1]
    check_hash(caller, contact.identifier, shown, required=caller.must_prove_identity)
    if not shown or contact.identifier is None or caller.rights.proven:
        return caller
    return await engine.db.write(
        caller.tenant.id, remember_proof_tx, engine.clock.now(), caller, contact.identifier
    )


async def resolve_stream_token(engine: Engine, token: str) -> ContactCaller:
    """The contact whose stream a pubsub token opens. Raises NotFound for an unknown token, or where
    the contact or its inbox was removed or the contact is blocked; Unauthenticated where an
    identifier must be proven and was not, or was proven and is no longer the contact's;
    TenantSuspended."""
    found = await engine.db.read("", inboxes.get_by_pubsub_token, token)
    if found is None:
        raise NotFound("token")
    caller = await _caller(engine, found.tenant_id, found.inbox_id, found.source_id)
    contact_inbox, contact = caller.contact_at_inbox
    if caller.inbox.removed_at is not None or contact.blocked:
        raise NotFound("contact")
    if caller.must_prove_identity and not rights.is_proven(contact_inbox, contact):
        raise Unauthenticated("missing")
    return caller


def check_hash(
    caller: ContactCaller, identifier: str | None, given_hash: str | None, *, required: bool
) -> None:
    """Raise Unauthenticated for a hash that is not that of the identifier, or for a missing one
    where one is `required`."""
    if not given_hash:
        if required:
            raise Unauthenticated("missing")
        return
    if not is_hash_of(caller, identifier, given_hash):
        raise Unauthenticated("invalid")


def is_hash_of(caller: ContactCaller, identifier: str | None, given_hash: str | None) -> bool:
    """Whether this is the identity hash of the identifier under one of the inbox's valid HMAC
    tokens; compared in constant time."""
    if not identifier or not given_hash:
        return False
    return any(
        constant_time_equal(hmac_hex(token, identifier), given_hash) for token in caller.hmac_tokens
    )


async def remember_proof_tx(
    tx: Tx, now: int, caller: ContactCaller, identifier: str
) -> ContactCaller:
    """Store that the contact inbox proved this identifier of its contact. That changes what its
    open streams may receive, so they reauthenticate. Raises Unauthenticated where the contact has
    another identifier by now."""
    contact_inbox, contact = caller.contact_at_inbox
    locked = (await identities.lock(tx, [contact.id])).get(contact.id)
    if locked is None or locked.removed_at is not None or locked.identifier != identifier:
        raise Unauthenticated("invalid")
    if not locked.identifier_verified:
        locked = structs.replace(locked, identifier_verified=True)
        await identities.change(tx, locked)
    contact_inbox = structs.replace(
        contact_inbox, proof_required=True, proved_identifier=identifier
    )
    await inboxes.change_contact_inbox(tx, contact_inbox)
    await record_event(tx, now, "credential.changed", contact.id, audience="staff")
    return structs.replace(caller, contact_inbox=contact_inbox, contact=locked)


async def with_contact_tx(
    tx: Tx, caller: ContactCaller, contact_inbox: ContactInbox, contact: Identity
) -> ContactCaller:
    """The caller with this contact inbox and contact."""
    trusting = rights.is_trusting(caller.inbox)
    elsewhere = trusting and await is_proven_anywhere_tx(tx, contact)
    return ContactCaller(
        caller.tenant, caller.inbox, contact_inbox, contact, elsewhere, caller.keys, caller.at
    )


async def is_proven_anywhere_tx(tx: Tx, contact: Identity) -> bool:
    """Whether any contact inbox has proven the contact's identifier."""
    identifier = contact.identifier
    return identifier is not None and await inboxes.is_identifier_proven(tx, contact.id, identifier)


async def _caller(
    engine: Engine, tenant_id: str, inbox_id: str, source_id: str | None
) -> ContactCaller:
    keys, now = engine.encryption, engine.clock.now()
    return await engine.db.read(tenant_id, _enter, keys, now, inbox_id, source_id)


async def _enter(
    tx: Tx, keys: SealingKeys, now: int, inbox_id: str, source_id: str | None
) -> ContactCaller:
    tenant, inbox = await tenants.get(tx, tx.tenant_id), await inboxes.get(tx, inbox_id)
    if tenant is None or inbox is None:
        raise NotFound("inbox")
    suspension.require_active(tenant)
    caller = ContactCaller(tenant, inbox, keys=keys, at=now)
    if source_id is None:
        return caller
    contact_inbox = await inboxes.get_contact_inbox(tx, inbox_id, source_id)
    contact = await identities.get(tx, contact_inbox.contact_id) if contact_inbox else None
    if contact_inbox is None or contact is None or contact.removed_at is not None:
        raise NotFound("contact")
    return await with_contact_tx(tx, caller, contact_inbox, contact)
