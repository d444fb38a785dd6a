"""The demonstration as shell variables, under the names that the examples use."""

import shlex

from koine.demo.credentials import DemoTenant


def variables(tenant: DemoTenant, base_url: str) -> dict[str, str]:
    """Names and values. The source documents' own names come first: with these their examples
    run as they are written. `access_token` is the administrator's, who takes part in
    `conversationId`."""
    credentials, examples = tenant.credentials, tenant.examples
    tokens = credentials.delivery.tokens
    deliveries = credentials.delivery.deliveries
    return {
        "ONDI_BASE_URL": base_url,
        "access_token": tokens.admin,
        "tenant_id": credentials.tenant_id,
        "conversationId": examples.delivery,
        "delivery_id": deliveries[0].id,
        "inbox_identifier": credentials.inbox.inbox_identifier,
        "contact_identifier": credentials.inbox.contact_identifier,
        "KOINE_URL": base_url,
        "dispatcher_token": tokens.dispatcher,
        "driver_token": tokens.driver,
        "customer_token": tokens.customer,
        "outsider_token": tokens.outsider,
        "api_key": credentials.helpdesk.api_key,
        "read_only_key": credentials.helpdesk.read_only_key,
        "conversation_id": examples.helpdesk,
        "inbox_id": credentials.helpdesk.inbox_id,
        "customer_id": credentials.helpdesk.customer_id,
        "user_id": credentials.helpdesk.user_id,
        "chats_api_key": credentials.chats.api_key,
        "chat_id": examples.chats,
        "channel_id": credentials.chats.channel_id,
        "owner_id": credentials.chats.owner_id,
        "responder_id": credentials.chats.responder_id,
        "hmac_token": credentials.inbox.hmac_token,
        "conversation_number": str(examples.inbox),
        "email": credentials.native.email,
        "password": credentials.native.password,
    }


def exports(tenant: DemoTenant, base_url: str) -> str:
    """Lines for a shell to evaluate."""
    values = variables(tenant, base_url).items()
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values)
