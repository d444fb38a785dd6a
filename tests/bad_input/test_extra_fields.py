"""Unknown fields: adding them to a body does not change the response."""

import json
import re
from collections.abc import Callable

import pytest

from koine.server import dialects
from tests.authz_matrix.expectations import YES
from tests.authz_matrix.runner import Run
from tests.bad_input.prober import REFUSED_ROWS, Prober, fields, rows
from tests.bad_input.values import raw

SPOKEN = {each.name: each for each in dialects()}
NOBODY = "00000000-0000-7000-8000-000000000000"
EXTRA: dict[str, object] = {
    "id": NOBODY, "_id": NOBODY, "uuid": NOBODY, "number": 7, "seq": 7, "public_seq": 7,
    "tenant_id": NOBODY, "tenantId": NOBODY, "workspaceId": NOBODY, "account_id": 7,
    "role": "tenant_admin", "permissions": ["manage:tenant"], "is_system_admin": True,
    "kind": "user", "type": "support", "status": "closed", "priority": "urgent",
    "source": "phone", "source_id": "mine", "labels": ["vip"], "blocked": True,
    "identifier": "someone-else", "hmac_verified": True, "verified": True, "pubsub_token": "t",
    "contact_type": "customer", "additional_attributes": {"a": 1}, "company_id": 7,
    "created_by": NOBODY, "createdBy": NOBODY, "created_at": 0, "createdAt": "2000-01-01T00:00:00Z",
    "updated_at": 0, "removed_at": 0, "isRemoved": True, "left_at": 0, "last_seq": 99,
    "owner_id": NOBODY, "assignee_id": NOBODY, "responder_id": NOBODY, "responderId": NOBODY,
    "sender": {"id": 1, "type": "user"}, "sender_id": NOBODY, "senderId": NOBODY,
    "sender_kind": "system", "message_type": 1, "private": True, "is_private": True,
    "client_key": "k", "public_count": 99, "unread_count": 99, "contact_last_seen_at": 99,
    "agent_last_seen_at": 99, "secret": "s", "digest": "d", "prefix": "p", "slug": "s",
    "hmac_token": "h", "password_hash": "x", "settings": {"a": 1}, "__proto__": {"a": 1},
}  # fmt: skip
_VARIES = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}"), "UUID"),
    (re.compile(r"whsec_[A-Za-z0-9+/]{32,}={0,2}"), "SECRET"),
    (re.compile(r"[A-Za-z0-9_.-]{24,}"), "RANDOM"),
    (re.compile(r'("(?:id|number|seq|public_seq|last_seq|conversation_id)":)\d+'), r"\1N"),
    # Of the first of two erasures: those that tests before this one have stored.
    (re.compile(r'("responses":)\d+'), r"\1N"),
    (re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z"), "TIME"),
    (re.compile(r'("(?:prefix|delivery_code|last_activity_at)":)(?:null|"[^"]*")'), r'\1"RANDOM"'),
)


@pytest.mark.parametrize(("name", "route"), list(rows([*SPOKEN.values()], "body")))
async def test_unknown_fields_do_not_change_the_response(
    run: Run, name: str, route: str, record_property: Callable[[str, object], None]
) -> None:
    prober = Prober(run, SPOKEN[name], route)
    known = {field.encode_name for field in fields(prober.route.body)}
    extra = {field: value for field, value in EXTRA.items() if field not in known}
    valid = await prober.expect("well", body=await prober.valid_body(), refused=False)
    run.targets.forget_all()
    more = await prober.expect("more", body=raw(await prober.body() | extra), refused=False)
    record_property("counted: bad inputs", len(extra))
    assert valid.status in YES or prober.row.right in REFUSED_ROWS
    assert (more.status, steady(more.text)) == (valid.status, steady(valid.text))


def steady(text: str) -> object:
    """An answer without what differs from call to call."""
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    try:
        return json.loads(text)
    except ValueError:
        return text
