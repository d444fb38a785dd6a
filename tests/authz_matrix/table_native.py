"""The rows of the native API."""

from tests.authz_matrix.row import THING, Row

CONVERSATIONS = "/v1/conversations"
CONVERSATION = f"{CONVERSATIONS}/{{conversation_id}}"
MEMBER = f"{CONVERSATION}/participants/{{identity_id}}"
MESSAGE = f"{CONVERSATION}/messages/{{message_id}}"
CONTACT, USER, INBOX = "/v1/contacts/{contact_id}", "/v1/users/{user_id}", "/v1/inboxes/{inbox_id}"
RESPONDER, TICKET = "/v1/responders/{responder_id}", "/v1/tickets/{ticket_id}"
WEBHOOK = "/v1/webhooks/{webhook_id}"
HOOKED = {"event_id": "evt_nothing"}
DELIVERIES, KEYS = "/v1/deliveries", "/v1/api-keys"
WRONG = {"current_password": "wrong", "password": "a good long password"}
EXPORTED = {"export_id": "00000000-0000-7000-8000-000000000000"}
MINE = {"conversation_id": "<conversation>"}
DAN = {"identity_id": "<dan>"}
NATIVE = {
    "POST /v1/auth/login": Row("public 401", body={"email": "a@b.test", "password": "wrong"}),
    "POST /v1/auth/refresh": Row("public 401", body={"refresh_token": "wrong"}),
    "POST /v1/auth/logout": Row("public 401", body={"refresh_token": "wrong"}),
    "GET /v1/me": Row("anyone"),
    "PUT /v1/me/password": Row("password", body=WRONG),
    f"GET {CONVERSATIONS}": Row("list"),
    f"GET {CONVERSATIONS}#inbox": Row("list", "inbox", query=f"inbox_id={THING}", is_list=True),
    f"GET {CONVERSATIONS}#owner": Row("list", "contact", query=f"owner_id={THING}", is_list=True),
    f"POST {CONVERSATIONS}": Row("create", "inbox", {"inbox_id": THING}),
    f"POST {CONVERSATIONS}#owner": Row("create", "contact", {"owner_id": THING}),
    f"POST {CONVERSATIONS}#participant": Row(
        "create", "user", {"participants": [{"identity_id": THING}]}
    ),
    f"POST {CONVERSATIONS}#delivery": Row("open", "delivery", {"delivery_id": THING}),
    f"GET {CONVERSATION}": Row("see", "conversation"),
    f"PATCH {CONVERSATION}": Row("change", "conversation", {"title": "t"}),
    f"PATCH {CONVERSATION}#assignee": Row("add", "user", {"assignee_id": THING}, path=MINE),
    f"DELETE {CONVERSATION}": Row("create", "conversation"),
    f"DELETE {CONVERSATION}#permanent": Row("create", "conversation", query="mode=permanent"),
    f"GET {CONVERSATION}/messages": Row("see", "conversation"),
    f"POST {CONVERSATION}/messages": Row("send", "conversation", {"content": "hello"}),
    f"GET {MESSAGE}": Row("message", "conversation", path={"message_id": "<message>"}),
    f"GET {MESSAGE}#message": Row("message", "message", path=MINE),
    f"GET {CONVERSATION}/participants": Row("see", "conversation"),
    f"POST {CONVERSATION}/participants": Row("change", "conversation", {"identity_id": "<user>"}),
    f"POST {CONVERSATION}/participants#user": Row("add", "user", {"identity_id": THING}, path=MINE),
    f"PATCH {MEMBER}": Row("member", "conversation", {"role": "admin"}, path=DAN),
    f"PATCH {MEMBER}#user": Row("no member", "user", {"role": "admin"}, path=MINE),
    f"DELETE {MEMBER}": Row("member", "conversation", path=DAN),
    f"POST {CONVERSATION}/read": Row("mark", "conversation", {}),
    f"POST {CONVERSATION}/read#message": Row(
        "mark to", "message", {"message_id": THING}, path=MINE
    ),
    f"POST {CONVERSATION}/messages#parent": Row(
        "reply", "message", {"content": "hello", "parent_id": THING}, path=MINE
    ),
    "GET /v1/events": Row("list"),
    "GET /v1/events#conversation": Row("see", "conversation", query=f"conversation_id={THING}"),
    "GET /v1/events/cursor": Row("list"),
    f"POST {CONVERSATION}/typing": Row("type", "conversation", {"on": True}),
    "GET /v1/presence": Row("look"),
    "PUT /v1/presence": Row("anyone", body={"availability": "away"}),
    f"POST {CONVERSATION}/tickets": Row("change", "conversation"),
    f"GET {TICKET}": Row("see", "ticket"),
    f"POST {TICKET}/take": Row("change", "ticket", {"assignee_id": "<user>"}),
    f"POST {TICKET}/complete": Row("change", "ticket"),
    "GET /v1/contacts": Row("look"),
    "GET /v1/contacts#inbox": Row("look", "inbox", query=f"inbox_id={THING}", is_list=True),
    "POST /v1/contacts": Row("customers", body={"name": "Zoe"}),
    "POST /v1/contacts#inbox": Row("customers", "inbox", {"name": "Zoe", "inbox_id": THING}),
    f"GET {CONTACT}": Row("look", "contact"),
    f"PATCH {CONTACT}": Row("customers", "contact", {"name": "Zoe"}),
    f"DELETE {CONTACT}": Row("customers", "contact"),
    f"POST {CONTACT}/merge": Row("customers", "contact", {"contact_id": "<namesake>"}),
    f"POST {CONTACT}/merge#second": Row(
        "customers", "contact", {"contact_id": THING}, path={"contact_id": "<namesake>"}
    ),
    "GET /v1/users": Row("look"),
    "POST /v1/users": Row("manage", body={"name": "Zed", "role": "driver"}),
    f"GET {USER}": Row("look", "user"),
    f"PATCH {USER}": Row("manage", "user", {"name": "Zed"}),
    f"DELETE {USER}": Row("manage", "user"),
    f"GET {CONTACT}/export": Row("manage", "contact"),
    f"POST {CONTACT}/erase": Row("manage", "contact", {"messages": "keep"}),
    f"GET {USER}/export": Row("manage", "user"),
    f"POST {USER}/erase": Row("manage", "user", {"messages": "keep"}),
    "GET /v1/tenant/retention": Row("manage"),
    "GET /v1/tenant/retention/dry-run": Row("manage"),
    "PATCH /v1/tenant/retention": Row("manage", body={"messages": 365}),
    f"PATCH {INBOX}/retention": Row("manage", "inbox", {"messages": 30}),
    "GET /v1/tenant/holds": Row("manage"),
    "POST /v1/tenant/holds": Row(
        "manage", "conversation", {"kind": "conversation", "subject_id": THING, "reason": "case"}
    ),
    "POST /v1/tenant/holds#contact": Row(
        "manage", "contact", {"kind": "contact", "subject_id": THING, "reason": "case"}
    ),
    "DELETE /v1/tenant/holds/{subject_id}": Row("manage", "hold"),
    "GET /v1/erasures": Row("manage"),
    "GET /v1/erasures/{person_id}": Row("manage", "erasure"),
    "GET /v1/inboxes": Row("look"),
    "POST /v1/inboxes": Row("manage", body={"name": "New"}),
    "POST /v1/inboxes#responder": Row(
        "manage", "responder", {"name": "New", "responder_id": THING}
    ),
    f"GET {INBOX}": Row("look", "inbox"),
    f"PATCH {INBOX}": Row("manage", "inbox", {"name": "Newer"}),
    f"DELETE {INBOX}": Row("manage", "inbox"),
    f"POST {INBOX}/rotate-hmac-token": Row("manage", "inbox", {}),
    "GET /v1/responders": Row("look"),
    "POST /v1/responders": Row("manage", body={"name": "Robot"}),
    f"GET {RESPONDER}": Row("look", "responder"),
    f"PATCH {RESPONDER}": Row("manage", "responder", {"name": "Robot"}),
    f"GET {RESPONDER}/versions": Row("look", "responder"),
    f"POST {RESPONDER}/versions": Row("manage", "responder", {"settings": {}}),
    f"GET {DELIVERIES}": Row("operate"),
    f"POST {DELIVERIES}": Row("operate", "user", {"customer_id": THING}),
    f"POST {DELIVERIES}#change": Row("operate", "delivery", {"id": THING, "status": "late"}),
    f"POST {DELIVERIES}/bulk": Row("operate", "user", {"deliveries": [{"customer_id": THING}]}),
    f"GET {DELIVERIES}/{{delivery_id}}": Row("delivery", "delivery"),
    "GET /v1/webhooks": Row("manage"),
    "POST /v1/webhooks": Row("manage", body={"url": "https://hooks.example/x"}),
    "POST /v1/webhooks#inbox": Row(
        "manage", "inbox", {"url": "https://hooks.example/x", "inbox_id": THING}
    ),
    "GET /v1/webhooks/event-kinds": Row("manage"),
    f"GET {WEBHOOK}": Row("manage", "webhook"),
    f"PATCH {WEBHOOK}": Row("manage", "webhook", {"name": "New"}),
    f"DELETE {WEBHOOK}": Row("manage", "webhook"),
    f"POST {WEBHOOK}/rotate": Row("manage", "webhook", {}),
    f"POST {WEBHOOK}/test": Row("manage", "webhook"),
    f"GET {WEBHOOK}/deliveries": Row("manage", "webhook"),
    f"GET {WEBHOOK}/deliveries/{{event_id}}": Row("replay", "webhook", path=HOOKED),
    f"POST {WEBHOOK}/deliveries/{{event_id}}/replay": Row("replay", "webhook", path=HOOKED),
    f"POST {WEBHOOK}/replay": Row("manage", "webhook", {"since": "2026-01-01T00:00:00Z"}),
    "GET /v1/tenant": Row("anyone"),
    "PATCH /v1/tenant": Row("manage", body={"name": "Acme"}),
    "PATCH /v1/tenant#support": Row("manage", "user", {"settings": {"support_user_ids": [THING]}}),
    "GET /v1/tenant/export": Row("manage"),
    "POST /v1/tenant/export": Row("export", body={"passphrase": "too short"}),
    "GET /v1/tenant/export/{export_id}": Row("replay", path=EXPORTED),
    "GET /v1/tenant/export/{export_id}/archive": Row(
        "public 404", query="expires=1&token=x", path=EXPORTED
    ),
    "GET /v1/roles": Row("anyone"),
    "GET /v1/audit": Row("manage"),
    f"GET {KEYS}": Row("manage"),
    f"POST {KEYS}": Row("manage", "user", {"name": "k", "permissions": [], "user_id": THING}),
    f"DELETE {KEYS}/{{api_key_id}}": Row("manage", "key"),
    f"POST {KEYS}/{{api_key_id}}/take-over": Row("take over", "key"),
}
