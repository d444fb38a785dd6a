"""The settings that limit what clients may ask of the server; `Settings` adds the rest."""

from typing import Annotated

from msgspec import Meta, Struct

Bytes = Annotated[int, Meta(ge=1024, le=1 << 32)]
Seconds = Annotated[int, Meta(ge=1, le=31_536_000)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
PerMinute = Annotated[int, Meta(ge=0, le=10_000_000)]
ByteBudget = Annotated[int, Meta(ge=0, le=1 << 50)]


class LimitSettings(Struct, frozen=True, kw_only=True):
    """Every limit that an operator may change."""

    json_limit: Annotated[Bytes, Meta(description="Largest JSON body, in bytes.")] = 1 << 20
    upload_limit: Annotated[Bytes, Meta(description="Largest upload, in bytes.")] = 40 << 20
    upload_budget_per_contact: Annotated[
        ByteBudget, Meta(description="Bytes a contact may upload in a day; 0 = no limit.")
    ] = 100 << 20
    upload_budget_per_inbox: Annotated[
        ByteBudget,
        Meta(description="Bytes all contacts of an inbox may upload in a day; 0 = no limit."),
    ] = 2 << 30
    upload_budget_per_tenant: Annotated[
        ByteBudget, Meta(description="Bytes of uploads a tenant may have stored; 0 = no limit.")
    ] = 50 << 30
    idempotency_response_limit: Annotated[
        Bytes, Meta(description="Largest response stored for an Idempotency-Key, in bytes.")
    ] = 1 << 18
    idempotency_bytes_per_caller: Annotated[
        ByteBudget,
        Meta(description="Bytes of responses stored for one caller's Idempotency-Keys in a day."),
    ] = 64 << 20
    idempotency_bytes_per_tenant: Annotated[
        ByteBudget,
        Meta(description="Bytes of responses stored for a tenant's Idempotency-Keys in a day."),
    ] = 1 << 30
    rate_limit_per_minute: Annotated[
        PerMinute, Meta(description="Requests a minute for each credential; 0 = no limit.")
    ] = 600_000
    inbox_rate_limit_per_minute: Annotated[
        PerMinute,
        Meta(description="Requests a minute for each address and contact; 0 = no limit."),
    ] = 6000
    inbox_contacts_per_address: Annotated[
        Count,
        Meta(
            description="New contacts from an address in an hour, by the inbox API; 0 = no limit."
        ),
    ] = 500
    inbox_contacts_per_inbox: Annotated[
        Count,
        Meta(description="New contacts of an inbox in a day, by the inbox API; 0 = no limit."),
    ] = 100_000
    inbox_conversations_per_contact: Annotated[
        Count,
        Meta(description="Conversations that a contact may open in an hour; 0 = no limit."),
    ] = 60
    inbox_bytes_per_address: Annotated[
        ByteBudget,
        Meta(description="Bytes an address may write in an hour, by the inbox API; 0 = no limit."),
    ] = 64 << 20
    inbox_bytes_per_inbox: Annotated[
        ByteBudget,
        Meta(description="Bytes written in an inbox in a day, by the inbox API; 0 = no limit."),
    ] = 4 << 30
    login_rate_limit_per_minute: Annotated[
        PerMinute,
        Meta(description="Failed logins a minute, by address and e-mail; 0 = no limit."),
    ] = 10
    audit_failed_logins_per_hour: Annotated[
        int,
        Meta(
            ge=0,
            le=100_000,
            description="Audit entries an hour about a tenant's failed logins; 0 = none.",
        ),
    ] = 60
    audit_failed_logins_days: Annotated[
        int,
        Meta(ge=1, le=3650, description="Days that audit entries about failed logins are kept."),
    ] = 90
    stream_queue_bytes: Annotated[
        Bytes, Meta(description="Most bytes queued for one stream or socket.")
    ] = 1 << 18
    stream_write_seconds: Annotated[
        Seconds,
        Meta(description="Seconds that a stream or socket may stop reading before it is closed."),
    ] = 20
    contact_catch_up_events: Annotated[
        int,
        Meta(
            description="Most events that a contact's stream catches up with; beyond, it is reset.",
            ge=1,
            le=1_000_000,
        ),
    ] = 2000
    searches_at_once: Annotated[
        int, Meta(description="Searches that run at the same time.", ge=1, le=100)
    ] = 3
    searches_waiting: Annotated[
        int, Meta(description="Searches that may wait; beyond, 503.", ge=0, le=100_000)
    ] = 100
    searches_waiting_per_tenant: Annotated[
        int,
        Meta(description="Searches of one tenant that may wait; beyond, 503.", ge=0, le=100_000),
    ] = 25
    head_seconds: Annotated[
        Seconds,
        Meta(
            description="Seconds until a request's head, or a socket's message, must be complete."
        ),
    ] = 10
    idle_seconds: Annotated[
        Seconds,
        Meta(description="Seconds that an idle connection is kept open for its next request."),
    ] = 65
    body_seconds: Annotated[
        Seconds, Meta(description="Seconds over which the rate of a request body is measured.")
    ] = 20
    body_rate: Annotated[
        int, Meta(ge=1, le=1 << 30, description="Lowest rate of a request body, in bytes a second.")
    ] = 512
    body_max_seconds: Annotated[
        Seconds, Meta(description="Seconds until a request body must be complete.")
    ] = 3600
    socket_login_seconds: Annotated[
        Seconds, Meta(description="Seconds within which a socket must log in or subscribe.")
    ] = 15
    socket_frames_per_minute: Annotated[
        PerMinute,
        Meta(
            description="Frames a minute from a socket; pings and empty ones count 5; 0 = no limit."
        ),
    ] = 3000
    connections_per_address: Annotated[
        Count, Meta(description="Connections from one address to a process; 0 = no limit.")
    ] = 1000
    streams_per_address: Annotated[
        Count, Meta(description="Streams and sockets from one address to a process; 0 = no limit.")
    ] = 500
    streams_per_credential: Annotated[
        Count, Meta(description="Streams and sockets of one caller to a process; 0 = no limit.")
    ] = 100
