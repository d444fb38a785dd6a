"""Handlers pass the fields of a body to types of the engine with `**`, which mypy cannot check."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest
from msgspec import Struct

from koine import dialects
from koine.dialects.helpdesk.webhooks import schemas as helpdesk_webhooks
from koine.dialects.inbox.contacts import schemas as inbox_contacts
from koine.dialects.native.contacts import schemas as contacts
from koine.dialects.native.conversations import schemas as conversations
from koine.dialects.native.deliveries import schemas as deliveries
from koine.dialects.native.inboxes import schemas as inboxes
from koine.dialects.native.responders import schemas as responders
from koine.dialects.native.retention import schemas as retention
from koine.dialects.native.tenant import schemas as tenant
from koine.dialects.native.users import schemas as users
from koine.dialects.native.webhooks import schemas as webhooks
from koine.engine.contacts.inboxes import InboxChanges, NewInbox
from koine.engine.contacts.rules import ContactInput
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.deliveries import DeliveryInput
from koine.engine.people.directory import PersonChanges
from koine.engine.people.responders import ResponderChanges
from koine.engine.retention.rules import InboxPeriodChanges, PeriodChanges
from koine.engine.tenants import TenantChanges
from koine.engine.webhooks.endpoint_changes import EndpointChanges
from koine.engine.webhooks.endpoints import NewEndpoint
from koine.model.conversation import NewConversation
from koine.model.identity import NewIdentity

PASSED: list[tuple[type[Struct], type[Struct], set[str]]] = [
    (users.CreateUser, NewIdentity, {"password"}),
    (users.ChangeUser, PersonChanges, {"password"}),
    (contacts.CreateContact, NewIdentity, {"inbox_id"}),
    (contacts.ChangeContact, PersonChanges, set()),
    (conversations.CreateConversation, NewConversation, {"delivery_id"}),
    (conversations.ChangeConversation, ConversationChanges, set()),
    (deliveries.SaveDelivery, DeliveryInput, set()),
    (inboxes.CreateInbox, NewInbox, set()),
    (inboxes.ChangeInbox, InboxChanges, set()),
    (responders.ChangeResponder, ResponderChanges, set()),
    (retention.ChangePeriods, PeriodChanges, set()),
    (retention.ChangeInboxPeriods, InboxPeriodChanges, set()),
    (tenant.ChangeTenant, TenantChanges, {"settings"}),
    (tenant.ChangeTenantSettings, TenantChanges, set()),
    (webhooks.CreateWebhook, NewEndpoint, {"events", "retry_policy"}),
    (webhooks.ChangeWebhook, EndpointChanges, {"events", "retry_policy", "status"}),
    (webhooks.RetryPolicy, NewEndpoint, set()),
    (webhooks.ChangeRetryPolicy, EndpointChanges, set()),
    (helpdesk_webhooks.CreateWebhook, NewEndpoint, {"events", "retry_policy"}),
    (helpdesk_webhooks.UpdateWebhook, EndpointChanges, {"is_active", "events", "retry_policy"}),
    (inbox_contacts.ContactCreate, ContactInput, set()),
    (inbox_contacts.ContactUpdate, ContactInput, set()),
]
"""The schema of a body, the type of the engine that its fields are passed to, and the fields that
the handler takes out or renames before."""


@pytest.mark.parametrize(
    ("schema", "into", "taken"),
    [pytest.param(*each, id=f"{each[0].__name__}-{each[1].__name__}") for each in PASSED],
)
def test_the_type_of_the_engine_has_every_field_that_is_passed(
    schema: type[Struct], into: type[Struct], taken: set[str]
) -> None:
    fields = set(schema.__struct_fields__)
    assert fields - taken - set(into.__struct_fields__) == set(), "a request with it would be a 500"
    assert taken - fields == set(), "the schema has no such field"


def test_every_type_that_gets_the_fields_of_a_body_is_in_the_list() -> None:
    listed = {(each.__module__.rpartition(".")[0], into) for each, into, _ in PASSED}
    found = {
        (module.__name__.rpartition(".")[0], into)
        for info in pkgutil.walk_packages(dialects.__path__, dialects.__name__ + ".")
        for module in [importlib.import_module(info.name)]
        for into in receivers(module)
    }
    assert found == listed


def receivers(module: ModuleType) -> Iterator[type[Struct]]:
    """The types of lower layers that a module of a dialect calls with `**`."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and any(each.arg is None for each in node.keywords):
            called: object = module
            for name in ast.unparse(node.func).split("."):
                called = getattr(called, name, None)
            if not isinstance(called, type) or not issubclass(called, Struct):
                continue
            if not called.__module__.startswith(dialects.__name__):
                yield called
