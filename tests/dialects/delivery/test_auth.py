"""Credentials, and the tenant of the request (delivery.md, Envelope, errors, auth)."""

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from msgspec import structs

from koine.engine.auth import sessions
from koine.kit.ids import new_id
from koine.kit.times import SECOND
from koine.model.tenant import TenantSettings, TokenIssuer
from koine.store import tenants
from tests.dialects.delivery.conftest import CONVERSATIONS, DeliveryClient

REFUSED = {"success": False, "message": "Unauthorized"}


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer nonsense"])
async def test_a_missing_or_invalid_token_is_refused(
    delivery_client: DeliveryClient, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = await delivery_client.client.get(CONVERSATIONS, headers=headers)
    assert (response.status_code, response.json()) == (401, REFUSED)
    assert response.headers["www-authenticate"] == "Bearer"


async def test_an_expired_token_is_refused(delivery_client: DeliveryClient) -> None:
    headers = delivery_client.headers("dan")
    delivery_client.cast.clock.advance(seconds=10_000)
    response = await delivery_client.client.get(CONVERSATIONS, headers=headers)
    assert (response.status_code, response.json()) == (401, REFUSED)


async def test_an_api_key_is_no_token(delivery_client: DeliveryClient) -> None:
    headers = {"Authorization": f"Bearer {delivery_client.cast.acme.key}"}
    assert (await delivery_client.client.get(CONVERSATIONS, headers=headers)).status_code == 401


async def test_the_scheme_is_read_in_any_case(delivery_client: DeliveryClient) -> None:
    token = delivery_client.cast.token("dan")
    response = await delivery_client.client.get(
        CONVERSATIONS, headers={"Authorization": f"bearer {token}"}
    )
    assert response.status_code == 200


async def test_the_token_names_the_tenant(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    assert opened["tenant_id"] == delivery_client.tenant
    assert (await delivery_client.get("dan")).json()["total"] == 1
    assert (await delivery_client.get("rival:dan")).json()["total"] == 0


async def test_tenant_id_may_repeat_the_tokens_tenant(delivery_client: DeliveryClient) -> None:
    assert (await delivery_client.get("dan", tenant_id=delivery_client.tenant)).status_code == 200
    assert (
        await delivery_client.get("dan", tenant_id=delivery_client.tenant.upper())
    ).status_code == 200


async def test_an_empty_tenant_id_is_not_given(delivery_client: DeliveryClient) -> None:
    assert (await delivery_client.get("dan", tenant_id="")).status_code == 200


@pytest.mark.parametrize("named", ["rival", "nobody", "malformed"])
async def test_another_tenant_than_the_tokens_is_403(
    delivery_client: DeliveryClient, named: str
) -> None:
    ids = {"rival": delivery_client.cast.rival.tenant.id, "nobody": new_id(), "malformed": "x"}
    response = await delivery_client.get("dan", tenant_id=ids[named])
    assert response.status_code == 403
    assert response.json() == {"success": False, "message": "Forbidden"}


@pytest.mark.parametrize("query", [{}, {"tenant_id": ""}])
async def test_a_system_administrator_must_name_a_tenant(
    delivery_client: DeliveryClient, query: dict[str, str]
) -> None:
    response = await delivery_client.get("root", **query)
    assert response.status_code == 400
    assert response.json() == {"success": False, "message": "tenant_id is required"}


@pytest.mark.parametrize("named", [new_id(), "x"], ids=["nobody", "malformed"])
async def test_an_unknown_tenant_is_404(delivery_client: DeliveryClient, named: str) -> None:
    response = await delivery_client.get("root", tenant_id=named)
    assert response.status_code == 404
    assert response.json() == {"success": False, "message": "Tenant not found"}


async def test_a_system_administrator_acts_in_the_named_tenant(
    delivery_client: DeliveryClient,
) -> None:
    await delivery_client.open()
    assert (await delivery_client.get("root", tenant_id=delivery_client.tenant)).json()[
        "total"
    ] == 1
    rival = delivery_client.cast.rival.tenant.id
    assert (await delivery_client.get("root", tenant_id=rival)).json()["total"] == 0


async def test_permissions_of_other_dialects_have_no_effect_here(
    delivery_client: DeliveryClient,
) -> None:
    opened = await delivery_client.open()
    await delivery_client.create_user("kim", None, "read:conversations", "write:conversations")
    assert (await delivery_client.get("kim", f"/{opened['id']}")).status_code == 404
    assert (await delivery_client.get("kim")).json()["total"] == 0


async def test_too_many_calls_are_429(delivery_client: DeliveryClient) -> None:
    settings = delivery_client.cast.engine.settings
    delivery_client.cast.engine.settings = type(settings)(rate_limit_per_minute=2)
    statuses = [(await delivery_client.get("dan")).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_a_token_made_elsewhere_is_refused(delivery_client: DeliveryClient) -> None:
    rival = delivery_client.cast.rival
    forged = sessions.access_token(
        delivery_client.cast.engine, delivery_client.tenant, rival.people["dan"], 60
    )
    response = await delivery_client.client.get(
        CONVERSATIONS, headers={"Authorization": f"Bearer {forged}"}
    )
    assert response.status_code == 401


SECRET = "a secret of the tenant's own issuer, long enough"


async def issued(client: DeliveryClient, secret: str = SECRET, **claims: object) -> dict[str, str]:
    """The header of a token that Acme's own issuer made for Olaf."""
    settings = TenantSettings(token_issuer=TokenIssuer(algorithm="HS256", key=SECRET))
    text = msgspec.json.encode(settings).decode()
    tenant = structs.replace(client.cast.acme.tenant, settings=text)
    await client.cast.engine.db.write(client.tenant, tenants.change, tenant)
    expires = client.cast.clock.now() // SECOND + 60
    claims = {"sub": client.id("olaf"), "exp": expires} | claims
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret))
    return {"Authorization": f"Bearer {token}"}


async def test_a_token_of_the_tenants_issuer_has_role_and_permissions(
    delivery_client: DeliveryClient,
) -> None:
    await delivery_client.open()
    headers = await issued(
        delivery_client, role="driver", permissions=["view:tenant", "read:conversations"]
    )
    query = {"tenant_id": delivery_client.tenant}
    response = await delivery_client.client.get(CONVERSATIONS, headers=headers, params=query)
    assert (response.status_code, response.json()["total"]) == (200, 1)


async def test_an_issuers_token_may_name_the_tenant_itself(delivery_client: DeliveryClient) -> None:
    headers = await issued(delivery_client, tenant_id=delivery_client.tenant)
    assert (await delivery_client.client.get(CONVERSATIONS, headers=headers)).json()["total"] == 0


async def test_a_token_of_no_issuer_of_the_tenant_is_refused(
    delivery_client: DeliveryClient,
) -> None:
    for headers, tenant in (
        (await issued(delivery_client, secret=SECRET[::-1]), delivery_client.tenant),
        (await issued(delivery_client), delivery_client.cast.rival.tenant.id),
        (await issued(delivery_client, is_system_admin=True, sub="root"), delivery_client.tenant),
    ):
        query = {"tenant_id": tenant}
        response = await delivery_client.client.get(CONVERSATIONS, headers=headers, params=query)
        assert (response.status_code, response.json()) == (401, REFUSED)
