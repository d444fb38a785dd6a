"""Requests without a valid credential are limited by address, in every dialect and on all paths."""

import pytest

from koine.dialects.chats import ChatsDialect
from koine.dialects.delivery import DeliveryDialect
from koine.dialects.helpdesk import HelpdeskDialect
from koine.dialects.native import NativeDialect
from koine.engine import tenants
from koine.engine.tenants import TenantChanges
from koine.engine.verification.jwt import TokenSigner
from koine.http.dialect import Dialect
from koine.model.tenant import TokenIssuer
from koine.store.core.db import Database
from tests.cast import http, make_cast

KINDS: dict[str, type[Dialect]] = {
    "delivery": DeliveryDialect,
    "helpdesk": HelpdeskDialect,
    "chats": ChatsDialect,
    "native": NativeDialect,
}
LISTS = {
    "delivery": "/messaging/conversations",
    "helpdesk": "/api/v1/conversations",
    "chats": "/api/v1/chats",
    "native": "/v1/conversations",
}
STREAMS = {
    "delivery": "/messaging/events",
    "helpdesk": "/api/v1/conversations/events",
    "chats": "/api/v1/chats/events",
    "native": "/v1/events",
}
WRONG = "sk_live_" + "a" * 51
SECRET = "their own secret of forty characters long"


@pytest.mark.parametrize("paths", [LISTS, STREAMS], ids=["list", "stream"])
@pytest.mark.parametrize("name", KINDS)
async def test_failed_credentials_are_limited_by_address(
    db: Database, name: str, paths: dict[str, str]
) -> None:
    cast = await make_cast(db, rate_limit_per_minute=2)
    async with http(cast.engine, KINDS[name]()) as api:
        tries: list[dict[str, str]] = [
            {"Authorization": WRONG}, {"Authorization": f"Bearer {WRONG}"}, {}
        ]  # fmt: skip
        got = [(await api.get(paths[name], headers=each)).status_code for each in tries]
        assert got == [401, 401, 429]
        key = {"Authorization": f"Bearer {cast.acme.key}"}
        good = cast.bearer("ada") if name == "delivery" else key
        assert (await api.get(LISTS[name], headers=good)).status_code == 200


@pytest.mark.parametrize("name", ["delivery", "helpdesk", "native"])
@pytest.mark.parametrize("claims", [{"tenant_id"}, {"sub"}, {"tenant_id", "sub"}])
async def test_ids_in_a_token_are_read_in_any_case(
    db: Database, name: str, claims: set[str]
) -> None:
    cast = await make_cast(db)
    ada, acme = cast.acme.id("ada"), cast.acme.tenant.id
    issuer = TokenIssuer("HS256", SECRET, "them", "us")
    await tenants.change(cast.engine, cast.acme.actor("ada"), TenantChanges(token_issuer=issuer))
    ids: dict[str, object] = {"sub": ada, "tenant_id": acme}
    spelled = {k: str(v).upper() if k in claims else v for k, v in ids.items()}
    own = cast.engine.signer.sign(spelled, 60)
    theirs = TokenSigner(SECRET, "them", "us", cast.clock).sign(
        spelled | {"role": "tenant_admin"}, 60
    )
    async with http(cast.engine, KINDS[name]()) as api:
        for token in (own, theirs):
            for query in ({}, {"tenant_id": acme}, {"tenant_id": acme.upper()}):
                headers = {"Authorization": f"Bearer {token}"}
                response = await api.get(LISTS[name], headers=headers, params=query)
                assert response.status_code == 200, response.text
