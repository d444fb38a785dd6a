"""Every route, with the right it needs and its target. A route missing here fails the suite.

A name after # distinguishes the rows of one route.
"""

from tests.authz_matrix.row import THING, Row
from tests.authz_matrix.table_native import NATIVE

TEXT = {"content": "hello"}
MINE = {"conversation_id": "<conversation>"}
MESSAGING = "/messaging/conversations"
DELIVERY_CONVERSATION = f"{MESSAGING}/{{conversation_id}}"
DELIVERY = {
    f"GET {MESSAGING}": Row("list"),
    "GET /messaging/events": Row("list"),
    f"POST {MESSAGING}": Row("open", "delivery", {"delivery_id": THING}),
    f"POST {MESSAGING}#free": Row("open free", None, {"participants": ["<user>"]}),
    f"POST {MESSAGING}#participant": Row("invite", "user", {"participants": [THING]}),
    f"GET {DELIVERY_CONVERSATION}": Row("see", "conversation"),
    f"GET {DELIVERY_CONVERSATION}/messages": Row("read", "conversation"),
    f"POST {DELIVERY_CONVERSATION}/messages": Row("send", "conversation", TEXT),
    f"POST {DELIVERY_CONVERSATION}/messages#parent": Row(
        "reply", "message", TEXT | {"parent_message_id": THING}, path=MINE
    ),
    f"PUT {DELIVERY_CONVERSATION}/participants": Row(
        "manage", "conversation", {"action": "add", "user_ids": ["<user>"]}
    ),
    f"PUT {DELIVERY_CONVERSATION}/participants#user": Row(
        "add", "user", {"action": "add", "user_ids": [THING]}, path=MINE
    ),
    f"PUT {DELIVERY_CONVERSATION}/read-status": Row("send", "conversation"),
    f"PUT {DELIVERY_CONVERSATION}/read-status#message": Row(
        "mark", "message", query=f"message_id={THING}", path=MINE
    ),
}
HELPDESK_PATH = "/api/v1/conversations"
HELPDESK_WEBHOOKS = "/api/v1/webhooks"
NEW_HELPDESK_WEBHOOK = {"name": "n", "url": "https://hooks.example/x", "events": ["message.sent"]}
HELPDESK = {
    f"GET {HELPDESK_PATH}": Row("read"),
    f"GET {HELPDESK_PATH}/events": Row("read"),
    f"GET {HELPDESK_PATH}#inbox": Row("read", "inbox", query=f"inboxId={THING}", is_list=True),
    f"GET {HELPDESK_PATH}#customer": Row(
        "read", "contact", query=f"customerId={THING}", is_list=True
    ),
    f"GET {HELPDESK_PATH}#assignee": Row("read", "user", query=f"assignedTo={THING}", is_list=True),
    f"POST {HELPDESK_PATH}": Row("write", "inbox", {"subject": "s", "inboxId": THING}),
    f"POST {HELPDESK_PATH}#customer": Row(
        "write", "contact", {"subject": "s", "inboxId": "<inbox>", "customerId": THING}
    ),
    f"GET {HELPDESK_PATH}/{{id}}": Row("read", "conversation"),
    f"PUT {HELPDESK_PATH}/{{id}}": Row("write", "conversation", {"subject": "t"}),
    f"PUT {HELPDESK_PATH}/{{id}}#assignee": Row(
        "write", "user", {"assignedTo": THING}, path={"id": "<conversation>"}
    ),
    f"DELETE {HELPDESK_PATH}/{{id}}": Row("write", "conversation", {"reason": "spam"}),
    f"GET {HELPDESK_PATH}/{{id}}/messages": Row("read", "conversation"),
    f"POST {HELPDESK_PATH}/{{id}}/messages": Row("write", "conversation", {"text": "hello"}),
    "GET /api/v1/inboxes": Row("read"),
    "GET /api/v1/users": Row("read"),
    f"GET {HELPDESK_WEBHOOKS}": Row("webhooks"),
    f"POST {HELPDESK_WEBHOOKS}": Row("webhooks", body=NEW_HELPDESK_WEBHOOK),
    f"GET {HELPDESK_WEBHOOKS}/{{id}}": Row("webhooks", "helpdesk webhook"),
    f"PUT {HELPDESK_WEBHOOKS}/{{id}}": Row("webhooks", "helpdesk webhook", {"name": "New"}),
    f"DELETE {HELPDESK_WEBHOOKS}/{{id}}": Row("webhooks", "helpdesk webhook"),
    f"POST {HELPDESK_WEBHOOKS}/{{id}}/test": Row("webhooks", "helpdesk webhook"),
    f"GET {HELPDESK_WEBHOOKS}/{{id}}/logs": Row("webhooks", "helpdesk webhook"),
    "GET /api/v1/health": Row("public +"),
}
CHAT = "/api/v1/chats"
NEW_CHAT = {"channelId": THING, "ownerId": "<contact>", "title": None}
NEW_MESSAGE = {"chatId": THING, "content": "hello", "role": "assistant"}
CHATS = {
    f"GET {CHAT}": Row("read"),
    f"GET {CHAT}#channel": Row("read", "inbox", query=f"channelIds={THING}", is_list=True),
    f"GET {CHAT}#owner": Row("read", "contact", query=f"ownerIds={THING}", is_list=True),
    f"GET {CHAT}/events": Row("read"),
    f"GET {CHAT}/details": Row("read"),
    f"GET {CHAT}/details#channel": Row("read", "inbox", query=f"channelIds={THING}", is_list=True),
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
CONVERSATIONS = f"{CONTACT}/conversations"
CONVERSATION = f"{CONVERSATIONS}/{{conversation}}"
MESSAGE = f"{CONVERSATION}/messages/{{message}}"
SURVEY = "/public/api/v1/csat_survey/{survey}"
RATED = {"submitted_values": {"csat_survey_response": {"rating": 5}}}
FILLED = {"submitted_values": [{"name": "a", "value": "b"}]}
FIRST = {"message": "<numbered_message>"}
ANYONE = ("own", "random", "malformed")
INBOX = {
    f"GET {INBOX_PATH}": Row("inbox"),
    f"POST {INBOX_PATH}/contacts": Row("join", body={"name": "Zoe"}),
    f"GET {CONTACT}": Row("own"),
    f"PATCH {CONTACT}": Row("own", body={"name": "Carol"}),
    f"PUT {CONTACT}": Row("own", body={"name": "Carol"}),
    f"GET {CONVERSATIONS}": Row("own"),
    f"POST {CONVERSATIONS}": Row("own", body={}),
    f"GET {CONVERSATION}": Row("conversation", "number"),
    f"POST {CONVERSATION}/toggle_status": Row("conversation", "number"),
    f"POST {CONVERSATION}/toggle_typing": Row("conversation", "number", {"typing_status": "on"}),
    f"POST {CONVERSATION}/update_last_seen": Row("conversation", "number"),
    f"GET {CONVERSATION}/messages": Row("conversation", "number"),
    f"POST {CONVERSATION}/messages": Row("conversation", "number", TEXT),
    f"PATCH {MESSAGE}": Row("conversation", "number", FILLED, path=FIRST),
    f"PUT {MESSAGE}": Row("conversation", "number", FILLED, path=FIRST),
    f"PATCH {MESSAGE}#message": Row(
        "conversation", "numbered_message", FILLED, path={"conversation": "<number>"}
    ),
    # The link of a survey is its credential (inbox.md, F): there is no variant "other".
    f"GET {SURVEY}": Row("survey", "survey", variants=ANYONE),
    f"PATCH {SURVEY}": Row("survey", "survey", {"message": RATED}, variants=ANYONE),
    f"PUT {SURVEY}": Row("survey", "survey", {"message": RATED}, variants=ANYONE),
    "GET /files/{key}/{name}": Row("public 404", path={"key": "no-such-key", "name": "a.png"}),
}
TABLE: dict[str, dict[str, Row]] = {
    "delivery": DELIVERY,
    "helpdesk": HELPDESK,
    "chats": CHATS,
    "inbox": INBOX,
    "native": NATIVE,
}
