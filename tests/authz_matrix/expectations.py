"""The expected statuses, written by hand from the contracts alone.

A row is a right, a column a user or key. The strings of a row are for the caller's own target, for
another's in the same tenant, and for one that the caller cannot see (another tenant's, a random
id); without the third string that is 404 for all. `+` is any success.
"""

YES = frozenset({200, 201, 202, 204, 207})
NONSENSE = frozenset({400, 404, 422})
Row = tuple[str, ...]

CREDENTIAL_KINDS = {
    "delivery": {"token", "system", "homeless", "misnamed"},
    "helpdesk": {"token", "key", "key header", "system", "homeless", "misnamed"},
    "chats": {"key"},
    "inbox": {"contact"},
    "native": {"token", "key", "key header", "system", "homeless", "misnamed"},
}
"""The kinds of credential that a dialect accepts; any other is a 401."""
SPECIAL = {
    # delivery.md, D: a token of no tenant needs `tenant_id`; one of a tenant names no other.
    ("delivery", "homeless"): frozenset({400}),
    ("delivery", "misnamed"): frozenset({403}),
    ("native", "homeless"): frozenset({422}),
    ("native", "misnamed"): frozenset({403}),
    # helpdesk.md, F: the tenant is the token's own, so a token of none opens none.
    ("helpdesk", "system"): frozenset({403}),
    ("helpdesk", "homeless"): frozenset({403}),
}
COLUMNS = {
    "delivery": "ada alice dora dan cleo olaf system",
    "helpdesk": "ada alice dora dan cleo olaf key read write",
    "chats": "key read write",
    "inbox": "carol ivy unproven lost-contact lost-inbox",
    "native": "ada alice dora dan cleo olaf key read write system",
}
RIGHTS: dict[str, dict[str, Row]] = {
    # Ada, Alice and Dora have view:tenant; Dan drives, Cleo is the customer, Olaf takes no part.
    "delivery": {
        "list": ("+ + + + + + +",),
        # OnDi has no role "agent": here Alice is a user without a delivery.
        "open": ("+ 404 + + + 404 +", "+ + + 404 404 + +"),
        "open free": ("+ 403 + 400 400 400 +",),
        "see": ("+ + + + + 404 +", "+ + + 404 404 404 +"),
        "read": ("403 403 403 + + 404 +", "403 403 403 404 404 404 +"),
        "send": ("403 403 403 + + 404 403", "403 403 403 404 404 404 403"),
        "manage": ("+ 403 403 403 403 404 +", "+ 403 403 404 404 404 +"),
        # The target is in the body; the conversation or delivery in the path is the caller's own.
        "invite": (
            "+ 403 + 400 400 400 +",
            "+ 403 + 400 400 400 +",
            "400 403 400 400 400 400 400",
        ),
        "add": tuple(["+ 403 403 403 403 404 +"] * 3),
        "reply": (
            "403 403 403 + + 404 403",
            "403 403 403 400 400 404 403",
            "403 403 403 400 400 404 403",
        ),
        "mark": (
            "403 403 403 + + 404 403",
            "403 403 403 404 404 404 403",
            "403 403 403 404 404 404 403",
        ),
    },
    # helpdesk.md, S: read:conversations and write:conversations, of a user or a key.
    "helpdesk": {
        "read": (
            "+ + 403 403 403 403 + + 403",
            "+ + 403 403 403 403 + + 403",
            "404 404 403 403 403 403 404 404 403",
        ),
        "write": (
            "+ + 403 403 403 403 + 403 +",
            "+ + 403 403 403 403 + 403 +",
            "404 404 403 403 403 403 404 403 404",
        ),
        "webhooks": (
            "+ 403 403 403 403 403 + 403 403",
            "+ 403 403 403 403 403 + 403 403",
            "404 403 403 403 403 403 404 403 403",
        ),
    },
    "chats": {
        "read": ("+ + 403", "+ + 403", "404 404 403"),
        "write": ("+ 403 +", "+ 403 +", "404 403 404"),
    },
    # inbox.md: an unknown inbox or contact is a 404, a missing or wrong hash a 401.
    "inbox": {
        "inbox": ("+ + + + 404",),
        # A hash is only valid with an identifier in the body, and here there is none.
        "join": ("+ 401 401 + 404",),
        "own": ("+ + 401 404 404",),
        "conversation": ("+ + 401 404 404", "404 404 401 404 404", "404 404 401 404 404"),
        "survey": ("+ + + + +",),
    },
    # Users by role; the keys act as Alice: all, read:conversations, write:conversations.
    "native": {
        "anyone": ("+ + + + + + + + + +",),
        "password": ("422 422 422 422 422 422 403 403 403 403",),
        "list": ("+ + + + + + + + 403 +", "+ + + + + + + + 403 +", "+ + + + + + + + 403 +"),
        "look": (
            "+ + + 403 403 403 + + 403 +",
            "+ + + 403 403 403 + + 403 +",
            "404 404 404 403 403 403 404 404 403 404",
        ),
        "customers": (
            "+ + 403 403 403 403 + 403 403 +",
            "+ + 403 403 403 403 + 403 403 +",
            "404 404 403 403 403 403 404 403 403 404",
        ),
        "manage": (
            "+ 403 403 403 403 403 + 403 403 +",
            "+ 403 403 403 403 403 + 403 403 +",
            "404 403 403 403 403 403 404 403 403 404",
        ),
        # Keys cannot manage keys.
        "take over": (
            "+ 403 403 403 403 403 403 403 403 +",
            "+ 403 403 403 403 403 403 403 403 +",
            "404 403 403 403 403 403 404 403 403 404",
        ),
        # The endpoint exists, the delivery does not.
        "replay": tuple(["404 403 403 403 403 403 404 403 403 404"] * 3),
        # The passphrase is too short, which only who may export is shown.
        "export": ("422 403 403 403 403 403 422 403 403 422",),
        "operate": (
            "+ 403 + 403 403 403 + 403 403 +",
            "+ 403 + 403 403 403 + 403 403 +",
            "404 403 404 403 403 403 404 403 403 404",
        ),
        # The own one is Cleo's and Dan's; the other is Olaf's and Alice's, as whom the keys act.
        "delivery": ("+ 404 + + + 404 + 404 404 +", "+ + + 404 404 + + + + +"),
        "see": (
            "+ + + + + 404 + + 403 +",
            "+ + + 404 404 404 + + 403 +",
            "404 404 404 404 404 404 404 404 403 404",
        ),
        "message": (
            "+ + + + + 404 + + 403 +",
            "404 404 404 404 404 404 404 404 403 404",
            "404 404 404 404 404 404 404 404 403 404",
        ),
        # Identities that see the conversation; a key that may only write sees nothing.
        "type": (
            "+ + + + + 404 + 403 404 403",
            "+ + + 404 404 404 + 403 404 403",
            "404 404 404 404 404 404 404 403 404 404",
        ),
        "mark": (
            "403 403 403 + + 404 403 403 403 403",
            "403 403 403 404 404 404 403 403 403 403",
            "404 404 404 404 404 404 404 404 403 404",
        ),
        "mark to": (
            "403 403 403 + + 404 403 403 403 403",
            "403 403 403 404 404 404 403 403 403 403",
            "403 403 403 404 404 404 403 403 403 403",
        ),
        "reply": (
            "+ + 403 + + 404 + 403 + +",
            "422 422 403 422 422 404 422 403 422 422",
            "422 422 403 422 422 404 422 403 422 422",
        ),
        "send": (
            "+ + 403 + + 404 + 403 + +",
            "+ + 403 404 404 404 + 403 + +",
            "404 404 404 404 404 404 404 403 404 404",
        ),
        "change": (
            "+ + 403 403 403 404 + 403 + +",
            "+ + 403 404 404 404 + 403 + +",
            "404 404 404 404 404 404 404 403 404 404",
        ),
        # The user to add is in the tenant or not; the conversation is the caller's own.
        "add": (
            "+ + 403 403 403 404 + 403 + +",
            "+ + 403 403 403 404 + 403 + +",
            "404 404 403 403 403 404 404 403 404 404",
        ),
        "member": (
            "+ + 403 403 403 404 + 403 + +",
            "404 404 403 404 404 404 404 403 404 404",
            "404 404 404 404 404 404 404 403 404 404",
        ),
        "no member": tuple(["404 404 403 403 403 404 404 403 404 404"] * 3),
        "create": (
            "+ + 403 403 403 403 + 403 + +",
            "+ + 403 403 403 403 + 403 + +",
            "404 404 403 403 403 403 404 403 404 404",
        ),
        "open": (
            "+ + + + + 404 + 403 + +",
            "+ + + 404 404 + + 403 + +",
            "404 404 404 404 404 404 404 403 404 404",
        ),
    },
}


def expected(dialect: str, right: str, caller_kind: str, who: str, which: str) -> frozenset[int]:
    """The allowed statuses. `which` is own, other, missing or malformed."""
    if right.startswith("public"):
        return _statuses(right.removeprefix("public ").strip())
    if caller_kind == "bad" or caller_kind not in CREDENTIAL_KINDS[dialect]:
        return frozenset({401})
    if (dialect, caller_kind) in SPECIAL:
        return SPECIAL[dialect, caller_kind]
    cell = _cell(RIGHTS[dialect][right], which, COLUMNS[dialect].split().index(who))
    # A malformed id may be refused before the permission is checked.
    return NONSENSE | _statuses(cell) if which == "malformed" else _statuses(cell)


def _cell(row: Row, which: str, column: int) -> str:
    if which in ("own", "other"):
        return row[min(("own", "other").index(which), len(row) - 1)].split()[column]
    return row[2].split()[column] if len(row) == 3 else "404"


def _statuses(cell: str) -> frozenset[int]:
    return YES if cell == "+" else frozenset({int(cell)})
