"""A suspended tenant is refused by every dialect, in the format of its other refusals."""

from typing import Any

import pytest

from koine.engine import tenant_suspension
from koine.model.actor import operator
from koine.server import dialects
from koine.store.core.db import Database
from tests.cast import Cast, http, make_cast

SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "native": ("/v1/conversations", {"type": "/problems/forbidden", "reason": "suspended"}),
    "delivery": ("/messaging/conversations", {"success": False, "message": "Forbidden"}),
    "helpdesk": ("/api/v1/conversations", {"success": False}),
    "chats": ("/api/v1/chats/details", {"code": "FORBIDDEN", "name": "ForbiddenError"}),
    "inbox": ("/public/api/v1/inboxes/{inbox}", {"status": 403, "error": "Forbidden"}),
    "inbox contact": (
        "/public/api/v1/inboxes/{inbox}/contacts/{source}", {"status": 403, "error": "Forbidden"},
    ),
}  # fmt: skip


def credential(cast: Cast, name: str) -> dict[str, str]:
    if name in ("native", "delivery"):
        return cast.bearer("ada")
    return {} if name.startswith("inbox") else {"Authorization": f"Bearer {cast.acme.key}"}


@pytest.fixture
async def cast(db: Database) -> Cast:
    return await make_cast(db)


async def test_every_dialect_refuses_and_accepts_again(cast: Cast) -> None:
    source, admin = cast.acme.contact_inboxes["carol"].source_id, operator(cast.acme.tenant.id)
    paths = {
        name: path.format(inbox=cast.acme.inbox.identifier, source=source)
        for name, (path, _) in SHAPES.items()
    }
    async with http(cast.engine, *dialects()) as client:

        async def get(name: str) -> Any:
            return await client.get(paths[name], headers=credential(cast, name))

        assert {name: (await get(name)).status_code for name in SHAPES} == dict.fromkeys(
            SHAPES, 200
        )
        await tenant_suspension.suspend(cast.engine, admin)
        for name, (_, expected) in SHAPES.items():
            refused = await get(name)
            assert refused.status_code == 403, name
            assert expected.items() <= refused.json().items(), name
        helpdesk = (await get("helpdesk")).json()["error"]
        assert (helpdesk["code"], helpdesk["details"]) == ("FORBIDDEN", {"reason": "suspended"})
        await tenant_suspension.resume(cast.engine, admin)
        assert {name: (await get(name)).status_code for name in SHAPES} == dict.fromkeys(
            SHAPES, 200
        )
