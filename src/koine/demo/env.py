"""The demonstration as shell variables, under the names that the examples use."""

import shlex

from koine.demo.credentials import DemoTenant


def variables(company: DemoTenant, base_url: str) -> dict[str, str]:
    """Names and values. The source documents' own names come first: with these their examples
    run as they are written. `access_token` is the administrator's, who takes part in
    `conversationId`."""
    doors, talks = company.doors, company.talks
    tokens = doors.delivery.tokens
    parcels = doors.delivery.deliveries
    return {
        "ONDI_BASE_URL": base_url,
        "access_token": tokens.admin,
        "tenant_id": doors.tenant_id,
        "conversationId": talks.delivery,
        "delivery_id": parcels[0].id,
        "inbox_identifier": doors.inbox.inbox_identifier,
        "contact_identifier": doors.inbox.contact_identifier,
        "KOINE_URL": base_url,
        "dispatcher_token": tokens.dispatcher,
        "driver_token": tokens.driver,
        "customer_token": tokens.customer,
        "outsider_token": tokens.outsider,
        "api_key": doors.helpdesk.api_key,
        "read_only_key": doors.helpdesk.read_only_key,
        "conversation_id": talks.helpdesk,
        "inbox_id": doors.helpdesk.inbox_id,
        "customer_id": doors.helpdesk.customer_id,
        "user_id": doors.helpdesk.user_id,
        "chats_api_key": doors.chats.api_key,
        "chat_id": talks.chats,
        "channel_id": doors.chats.channel_id,
        "owner_id": doors.chats.owner_id,
        "responder_id": doors.chats.responder_id,
        "hmac_token": doors.inbox.hmac_token,
        "conversation_number": str(talks.inbox),
        "email": doors.native.email,
        "password": doors.native.password,
    }


def exports(company: DemoTenant, base_url: str) -> str:
    """Lines for a shell to evaluate."""
    values = variables(company, base_url).items()
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values)
