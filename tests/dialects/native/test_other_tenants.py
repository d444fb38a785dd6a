"""Resources of other tenants are not found."""

import httpx
import pytest

from tests.cast import Cast
from tests.dialects.native.api_client import UNKNOWN_ID


@pytest.mark.parametrize(
    "path", ["users", "contacts", "inboxes", "responders", "deliveries", "conversations", "tickets"]
)
async def test_another_tenants_resource_is_not_found_like_none(
    api: httpx.AsyncClient, cast: Cast, path: str
) -> None:
    rivals = {
        "users": cast.rival.id("dan"),
        "contacts": cast.rival.id("carol"),
        "inboxes": cast.rival.inbox.id,
        "responders": cast.rival.tenant.default_responder_id,
        "deliveries": cast.rival.deliveries[0].id,
    }
    headers = {"X-Request-Id": "one"}
    responses = [
        await api.get(f"/v1/{path}/{name}", headers=headers)
        for name in (rivals.get(path, UNKNOWN_ID), UNKNOWN_ID)
    ]
    assert {(each.status_code, each.content) for each in responses} == {(404, responses[0].content)}
    assert (await api.get(f"/v1/{path}/nonsense", headers=headers)).status_code == 422
