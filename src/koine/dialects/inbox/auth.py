"""Who calls: the path says it. There is no credential header (inbox.md, F)."""

from typing import cast

from koine.dialects.inbox.numbers import whole
from koine.dialects.inbox.wire import View
from koine.engine.contacts import session
from koine.engine.contacts.session import ContactSession
from koine.engine.conversations import surveys
from koine.engine.conversations.surveys import SurveyPage
from koine.http.rate_limits import RateLimiter
from koine.http.request import AnyRequest
from koine.kit.ids import canonical_id
from koine.model.actor import Actor
from koine.model.errors import NotFound

HASH_HEADER = "X-Identifier-Hash"
HASH_PARAMETER = "identifier_hash"
INBOX = "/public/api/v1/inboxes/{inbox}"
NAMES_OF_ADDRESS = 10
"""How many contacts may call at their full rate from one address (an office, a proxy)."""
CONTACT = INBOX + "/contacts/{contact}"
CONVERSATION = CONTACT + "/conversations/{conversation}"


async def authenticate(call: AnyRequest, limiter: RateLimiter) -> Actor:
    """The contact the path names, or nobody yet where it names an inbox alone.

    Raises TooMany, NotFound for whatever is unknown, Unauthenticated for an identity hash.
    """
    inbox, contact = call.path.get("inbox"), call.path.get("contact")
    _count(call, limiter, inbox or "", contact or call.path.get("survey", ""))
    if inbox is None:
        return await _by_survey(call)
    # Some calls check it after their body is read: a kept answer is for who shows the same.
    call.extra_credential = shown_hash(call) or ""
    entry = await session.resolve(call.engine, inbox, contact)
    if contact is not None and not _brings_its_hash(call):
        entry = await session.verify_identity(call.engine, entry, shown_hash(call))
    call.dialect_notes["entry"] = entry
    return _actor(entry, call.client_ip)


def _count(call: AnyRequest, limiter: RateLimiter, inbox: str, name: str) -> None:
    """Count a call of this address, here and in all: names can be made up. Raises TooMany."""
    per_minute, now = call.engine.settings.inbox_rate_limit_per_minute, call.engine.clock.now()
    limiter.check(call.rate_limit_ip, per_minute * NAMES_OF_ADDRESS, now)
    limiter.check(f"{call.rate_limit_ip}:{inbox}:{name}", per_minute, now)


def entry_of(call: AnyRequest) -> ContactSession:
    """Where the path led."""
    return cast(ContactSession, call.dialect_notes["entry"])


def view_of(call: AnyRequest) -> View:
    """For whom the answer is rendered."""
    entry = entry_of(call)
    return View(entry.tenant, entry.inbox, entry.public_contact, call.base_url)


def survey_of(call: AnyRequest) -> SurveyPage:
    """The survey the path named."""
    return cast(SurveyPage, call.dialect_notes["survey"])


def shown_hash(call: AnyRequest) -> str | None:
    """The identity hash of the header or the query."""
    return call.headers.get(HASH_HEADER) or call.params.get(HASH_PARAMETER) or None


def number_in(call: AnyRequest, name: str) -> int:
    """An integer id of the path. Raises NotFound for anything else."""
    number = whole(call.path[name])
    if number is None:
        raise NotFound(name)
    return number


def _brings_its_hash(call: AnyRequest) -> bool:
    # An update of the contact may carry the hash in its body, which is not read yet.
    is_update = call.method in ("PATCH", "PUT")
    return is_update and call.route is not None and call.route.path == CONTACT


def _actor(entry: ContactSession, client_ip: str) -> Actor:
    if entry.contact is not None:
        return Actor(tenant_id=entry.tenant.id, kind="contact", identity_id=entry.contact.id)
    # Two strangers with one Idempotency-Key must not be given each other's source id.
    return Actor(tenant_id=entry.tenant.id, kind="contact", key_id=f"address:{client_ip}")


async def _by_survey(call: AnyRequest) -> Actor:
    conversation_id = canonical_id(call.path["survey"])
    if conversation_id is None:
        raise NotFound("survey")
    survey = await surveys.open_page(call.engine, conversation_id)
    call.dialect_notes["survey"] = survey
    return survey.actor
