"""Who calls: the path says it. There is no credential header (inbox.md, F)."""

from typing import cast

from koine.dialects.inbox.path_params import CONTACT
from koine.engine.contacts import callers
from koine.engine.contacts.callers import ContactCaller
from koine.engine.conversations import surveys
from koine.engine.conversations.surveys import SurveyPage
from koine.http.rate_limits import RateLimiter
from koine.http.request import AnyRequest
from koine.kit.ids import canonical_id
from koine.model.actor import Actor
from koine.model.errors import NotFound

HASH_HEADER = "X-Identifier-Hash"
HASH_PARAMETER = "identifier_hash"
CONTACTS_PER_ADDRESS = 10
"""How many contacts may call at their full rate from one address (an office, a proxy)."""


async def authenticate(request: AnyRequest, limiter: RateLimiter) -> Actor:
    """The contact that the path names; an anonymous actor where it names an inbox alone.

    Raises TooMany, NotFound for what does not exist, Unauthenticated for an identity hash.
    """
    inbox, source_id = request.path.get("inbox"), request.path.get("contact")
    _check_rate(request, limiter, inbox or "", source_id or request.path.get("survey", ""))
    if inbox is None:
        return await _authenticate_survey(request)
    # A stored response is returned only to a caller with the same hash: an update of the contact is
    # verified later, after its body is read.
    request.extra_credential = identity_hash(request) or ""
    found = await callers.resolve(request.engine, inbox, source_id)
    if source_id is not None and not _verifies_itself(request):
        found = await callers.verify_identity(request.engine, found, identity_hash(request))
    request.dialect_notes["contact_caller"] = found
    return _actor(found, request.client_ip)


def contact_caller(request: AnyRequest) -> ContactCaller:
    """The tenant, the inbox and the contact that the path names."""
    return cast(ContactCaller, request.dialect_notes["contact_caller"])


def survey_page(request: AnyRequest) -> SurveyPage:
    """The survey that the path names."""
    return cast(SurveyPage, request.dialect_notes["survey_page"])


def identity_hash(request: AnyRequest) -> str | None:
    """The identity hash of the header or the query."""
    return request.headers.get(HASH_HEADER) or request.params.get(HASH_PARAMETER) or None


def _check_rate(request: AnyRequest, limiter: RateLimiter, inbox: str, source_id: str) -> None:
    """Count a call of this address, for this path and for all: a client can make up inboxes and
    source ids. Raises TooMany."""
    per_minute, now = (
        request.engine.settings.inbox_rate_limit_per_minute,
        request.engine.clock.now(),
    )
    limiter.check(request.rate_limit_ip, per_minute * CONTACTS_PER_ADDRESS, now)
    limiter.check(f"{request.rate_limit_ip}:{inbox}:{source_id}", per_minute, now)


def _verifies_itself(request: AnyRequest) -> bool:
    """Whether the route verifies the identity: the body of an update may hold the hash."""
    is_update = request.method in ("PATCH", "PUT")
    return is_update and request.route is not None and request.route.path == CONTACT


def _actor(found: ContactCaller, client_ip: str) -> Actor:
    if found.contact is not None:
        return Actor(tenant_id=found.tenant.id, kind="contact", identity_id=found.contact.id)
    # Two anonymous callers with one Idempotency-Key must not receive each other's source id.
    return Actor(tenant_id=found.tenant.id, kind="contact", key_id=f"address:{client_ip}")


async def _authenticate_survey(request: AnyRequest) -> Actor:
    conversation_id = canonical_id(request.path["survey"])
    if conversation_id is None:
        raise NotFound("survey")
    page = await surveys.open_page(request.engine, conversation_id)
    request.dialect_notes["survey_page"] = page
    return page.actor
