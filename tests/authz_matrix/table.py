"""Every route, the right it takes and what it is about. A route that is not here fails the build.

A name after # tells rows of one route apart.
"""

from tests.authz_matrix.row import THING, Row
from tests.authz_matrix.table_native import NATIVE

TEXT = {"content": "hello"}
MINE = {"conversation_id": "<conversation>"}
MESSAGING = "/messaging/conversations"
ONE = f"{MESSAGING}/{{conversation_id}}"
DELIVERY = {
    f"GET {MESSAGING}": Row("list"),
    "GET /messaging/events": Row("list"),
    f"POST {MESSAGING}": Row("open", "delivery", {"delivery_id": THING}),
    f"POST {MESSAGING}#free": Row("open free", None, {"participants": ["<user>"]}),
    f"POST {MESSAGING}#participant": Row("invite", "user", {"participants": [THING]}),
    f"GET {ONE}": Row("see", "conversation"),
    f"GET {ONE}/messages": Row("read", "conversation"),
    f"POST {ONE}/messages": Row("send", "conversation", TEXT),
    f"POST {ONE}/messages#parent": Row(
        "reply", "message", TEXT | {"parent_message_id": THING}, path=MINE
    ),
    f"PUT {ONE}/participants": Row(
        "manage", "conversation", {"action": "add", "user_ids": ["<user>"]}
    ),
    f"PUT {ONE}/participants#user": Row(
        "add", "user", {"action": "add", "user_ids": [THING]}, path=MINE
    ),
    f"PUT {ONE}/read-status": Row("send", "conversation"),
    f"PUT {ONE}/read-status#message": Row(
        "mark", "message", query=f"message_id={THING}", path=MINE
    ),
}
DESK = "/api/v1/conversations"
DESK_HOOKS = "/api/v1/webhooks"
DESK_HOOK = {"name": "n", "url": "https://hooks.example/x", "events": ["message.sent"]}
HELPDESK = {
    f"GET {DESK}": Row("read"),
    f"GET {DESK}/events": Row("read"),
    f"GET {DESK}#inbox": Row("read", "inbox", query=f"inboxId={THING}", lists=True),
    f"GET {DESK}#customer": Row("read", "contact", query=f"customerId={THING}", lists=True),
    f"GET {DESK}#assignee": Row("read", "user", query=f"assignedTo={THING}", lists=True),
    f"POST {DESK}": Row("write", "inbox", {"subject": "s", "inboxId": THING}),
    f"POST {DESK}#customer": Row(
        "write", "contact", {"subject": "s", "inboxId": "<inbox>", "customerId": THING}
    ),
    f"GET {DESK}/{{id}}": Row("read", "conversation"),
    f"PUT {DESK}/{{id}}": Row("write", "conversation", {"subject": "t"}),
    f"PUT {DESK}/{{id}}#assignee": Row(
        "write", "user", {"assignedTo": THING}, path={"id": "<conversation>"}
    ),
    f"DELETE {DESK}/{{id}}": Row("write", "conversation", {"reason": "spam"}),
    f"GET {DESK}/{{id}}/messages": Row("read", "conversation"),
    f"POST {DESK}/{{id}}/messages": Row("write", "conversation", {"text": "hello"}),
    "GET /api/v1/inboxes": Row("read"),
    "GET /api/v1/users": Row("read"),
    f"GET {DESK_HOOKS}": Row("hooks"),
    f"POST {DESK_HOOKS}": Row("hooks", body=DESK_HOOK),
    f"GET {DESK_HOOKS}/{{id}}": Row("hooks", "desk hook"),
    f"PUT {DESK_HOOKS}/{{id}}": Row("hooks", "desk hook", {"name": "New"}),
    f"DELETE {DESK_HOOKS}/{{id}}": Row("hooks", "desk hook"),
    f"POST {DESK_HOOKS}/{{id}}/test": Row("hooks", "desk hook"),
    f"GET {DESK_HOOKS}/{{id}}/logs": Row("hooks", "desk hook"),
    "GET /api/v1/health": Row("public +"),
}
CHAT = "/api/v1/chats"
NEW_CHAT = {"channelId": THING, "ownerId": "<contact>", "title": None}
NEW_MESSAGE = {"chatId": THING, "content": "hello", "role": "assistant"}
CHATS = {
    f"GET {CHAT}": Row("read"),
    f"GET {CHAT}#channel": Row("read", "inbox", query=f"channelIds={THING}", lists=True),
    f"GET {CHAT}#owner": Row("read", "contact", query=f"ownerIds={THING}", lists=True),
    f"GET {CHAT}/events": Row("read"),
    f"GET {CHAT}/details": Row("read"),
    f"GET {CHAT}/details#channel": Row("read", "inbox", query=f"channelIds={THING}", lists=True),
    f"POST {CHAT}": Row("write", "inbox", NEW_CHAT),
    f"POST {CHAT}#owner": Row("write", "contact", NEW_CHAT | {"channelId": None, "ownerId": THING}),
    f"GET {CHAT}/{{id}}": Row("read", "conversation"),
    f"GET {CHAT}/{{id}}/details": Row("read", "conversation"),
    f"PATCH {CHAT}/{{id}}": Row("write", "conversation", {"title": "t"}),
    f"DELETE {CHAT}/{{id}}": Row("write", "conversation"),
    "GET /api/v1/chat-messages": Row("read", "conversation", query=f"chatId={THING}"),
    "POST /api/v1/chat-messages": Row("write", "conversation", NEW_MESSAGE),
}
INBOX_PATH = "/public/api/v1/inboxes/{inbox}"
CONTACT = f"{INBOX_PATH}/contacts/{{contact}}"
TALKS = f"{CONTACT}/conversations"
TALK = f"{TALKS}/{{conversation}}"
SAID = f"{TALK}/messages/{{message}}"
SURVEY = "/public/api/v1/csat_survey/{survey}"
RATED = {"submitted_values": {"csat_survey_response": {"rating": 5}}}
FILLED = {"submitted_values": [{"name": "a", "value": "b"}]}
ANYONE = ("own", "random", "malformed")
INBOX = {
    f"GET {INBOX_PATH}": Row("door"),
    f"POST {INBOX_PATH}/contacts": Row("join", body={"name": "Zoe"}),
    f"GET {CONTACT}": Row("own"),
    f"PATCH {CONTACT}": Row("own", body={"name": "Carol"}),
    f"PUT {CONTACT}": Row("own", body={"name": "Carol"}),
    f"GET {TALKS}": Row("own"),
    f"POST {TALKS}": Row("own", body={}),
    f"GET {TALK}": Row("talk", "number"),
    f"POST {TALK}/toggle_status": Row("talk", "number"),
    f"POST {TALK}/toggle_typing": Row("talk", "number", {"typing_status": "on"}),
    f"POST {TALK}/update_last_seen": Row("talk", "number"),
    f"GET {TALK}/messages": Row("talk", "number"),
    f"POST {TALK}/messages": Row("talk", "number", TEXT),
    f"PATCH {SAID}": Row("talk", "number", FILLED, path={"message": "<said>"}),
    f"PUT {SAID}": Row("talk", "number", FILLED, path={"message": "<said>"}),
    f"PATCH {SAID}#message": Row("talk", "said", FILLED, path={"conversation": "<number>"}),
    # Whoever knows a survey's address may answer it (inbox.md, F): there is no other's.
    f"GET {SURVEY}": Row("survey", "survey", objects=ANYONE),
    f"PATCH {SURVEY}": Row("survey", "survey", {"message": RATED}, objects=ANYONE),
    f"PUT {SURVEY}": Row("survey", "survey", {"message": RATED}, objects=ANYONE),
    "GET /files/{key}/{name}": Row("public 404", path={"key": "no-such-key", "name": "a.png"}),
}
TABLE: dict[str, dict[str, Row]] = {
    "delivery": DELIVERY,
    "helpdesk": HELPDESK,
    "chats": CHATS,
    "inbox": INBOX,
    "native": NATIVE,
}
