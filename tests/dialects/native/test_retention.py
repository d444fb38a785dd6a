"""The dry run of retention over HTTP."""

import httpx

from tests.cast import Cast
from tests.dialects.native.api_client import open_conversation, send_message

RETENTION = "/v1/tenant/retention"
DAY = 24 * 3600


async def test_a_dry_run_counts_and_deletes_nothing(api: httpx.AsyncClient, cast: Cast) -> None:
    at = await open_conversation(api, cast, "alice")
    await send_message(api, cast, at, "old")
    changed = await api.patch(RETENTION, json={"messages": 30})
    assert changed.status_code == 200
    cast.clock.advance(31 * DAY)
    ada = cast.bearer("ada")
    for _ in range(2):
        found = await api.get(f"{RETENTION}/dry-run", headers=ada)
        assert found.status_code == 200, found.text
        assert found.json()["complete"] is True
        counts = found.json()["would_delete"]
        assert (counts.pop("messages"), set(counts.values())) == (1, {0})
    # Other tests on this database run the rules of all tenants.
    assert (await api.patch(RETENTION, json={"messages": None}, headers=ada)).status_code == 200
    messages = await api.get(f"/v1/conversations/{at}/messages", headers=ada)
    assert [each["content"] for each in messages.json()["data"]] == ["old"]
