"""What ought to happen, written by hand and from the contracts alone.

A row is a right, a column a person or key. Its words are for what is one's own, for what is
another's in the same tenant, and for what is not there to see (a rival's, a random id); without
the third that is 404 to everyone. `+` is yes.
"""

YES = frozenset({200, 201, 202, 204, 207})
NONSENSE = frozenset({400, 404, 422})
Row = tuple[str, ...]

DOORS = {
    "delivery": {"token", "system", "homeless", "misnamed"},
    "helpdesk": {"token", "key", "key header", "system", "homeless", "misnamed"},
    "chats": {"key"},
    "inbox": {"contact"},
    "native": {"token", "key", "key header", "system", "homeless", "misnamed"},
}
"""The kinds of credential a dialect knows; any other is a 401."""
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
    "inbox": "carol ivy unproved lost-contact lost-inbox",
    "native": "ada alice dora dan cleo olaf key read write system",
}
RIGHTS: dict[str, dict[str, Row]] = {
    # Ada, Alice and Dora hold view:tenant; Dan drives, Cleo is the customer, Olaf is nobody's.
    "delivery": {
        "list": ("+ + + + + + +",),
        # An agent is none of OnDi's roles: to this call she is a user without a delivery.
        "open": ("+ 404 + + + 404 +", "+ + + 404 404 + +"),
        "open free": ("+ 403 + 400 400 400 +",),
        "see": ("+ + + + + 404 +", "+ + + 404 404 404 +"),
        "read": ("403 403 403 + + 404 +", "403 403 403 404 404 404 +"),
        "send": ("403 403 403 + + 404 403", "403 403 403 404 404 404 403"),
        "manage": ("+ 403 403 403 403 404 +", "+ 403 403 404 404 404 +"),
        # What the body names beside one's own conversation or delivery.
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
    # helpdesk.md, S: read:conversations and write:conversations, whoever holds them.
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
        "hooks": (
            "+ 403 403 403 403 403 + 403 403",
            "+ 403 403 403 403 403 + 403 403",
            "404 403 403 403 403 403 404 403 403",
        ),
    },
    "chats": {
        "read": ("+ + 403", "+ + 403", "404 404 403"),
        "write": ("+ 403 +", "+ 403 +", "404 403 404"),
    },
    # inbox.md: an unknown address is nothing at all, a hash that is missing or wrong is a 401.
    "inbox": {
        "door": ("+ + + + 404",),
        # Whoever joins by a hash names an identifier with it, and these do not.
        "join": ("+ 401 401 + 404",),
        "own": ("+ + 401 404 404",),
        "talk": ("+ + 401 404 404", "404 404 401 404 404", "404 404 401 404 404"),
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
        # No key takes over another.
        "take over": (
            "+ 403 403 403 403 403 403 403 403 +",
            "+ 403 403 403 403 403 403 403 403 +",
            "404 403 403 403 403 403 404 403 403 404",
        ),
        # The endpoint is there, the delivery is not.
        "unsent": tuple(["404 403 403 403 403 403 404 403 403 404"] * 3),
        "operate": (
            "+ 403 + 403 403 403 + 403 403 +",
            "+ 403 + 403 403 403 + 403 403 +",
            "404 403 404 403 403 403 404 403 403 404",
        ),
        # Cleo's and Dan's; the other is Olaf's and Alice's, whom the keys act as.
        "delivery": ("+ 404 + + + 404 + 404 404 +", "+ + + 404 404 + + + + +"),
        "see": (
            "+ + + + + 404 + + 403 +",
            "+ + + 404 404 404 + + 403 +",
            "404 404 404 404 404 404 404 404 403 404",
        ),
        "part": (
            "+ + + + + 404 + + 403 +",
            "404 404 404 404 404 404 404 404 403 404",
            "404 404 404 404 404 404 404 404 403 404",
        ),
        # Who sees it and is somebody; the key that may only write sees nothing.
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
        "speak": (
            "+ + 403 + + 404 + 403 + +",
            "+ + 403 404 404 404 + 403 + +",
            "404 404 404 404 404 404 404 403 404 404",
        ),
        "change": (
            "+ + 403 403 403 404 + 403 + +",
            "+ + 403 404 404 404 + 403 + +",
            "404 404 404 404 404 404 404 403 404 404",
        ),
        # The user to add is in the tenant or is not; the conversation is one's own.
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
    """The statuses that may come. `which` is own, other, missing or malformed."""
    if right.startswith("public"):
        return _statuses(right.removeprefix("public ").strip())
    if caller_kind == "bad" or caller_kind not in DOORS[dialect]:
        return frozenset({401})
    if (dialect, caller_kind) in SPECIAL:
        return SPECIAL[dialect, caller_kind]
    word = _word(RIGHTS[dialect][right], which, COLUMNS[dialect].split().index(who))
    # What is no id may be refused for that before anyone asks who calls.
    return NONSENSE | _statuses(word) if which == "malformed" else _statuses(word)


def _word(row: Row, which: str, column: int) -> str:
    if which in ("own", "other"):
        return row[min(("own", "other").index(which), len(row) - 1)].split()[column]
    return row[2].split()[column] if len(row) == 3 else "404"


def _statuses(word: str) -> frozenset[int]:
    return YES if word == "+" else frozenset({int(word)})
