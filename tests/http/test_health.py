from collections.abc import Sequence

import httpx

from koine.engine.core.engine import Engine
from koine.http.app import App, build_app
from koine.http.health import Check, ReadinessChecks
from koine.kit import settings
from tests.http.example_dialect import client


async def ready(*checks: Check) -> httpx.Response:
    async def run() -> Sequence[Check]:
        return checks

    return await client(_app(run)).get("/readyz")


async def test_livez_is_ok_while_the_loop_runs() -> None:
    assert (await client().get("/livez")).json() == {"status": "ok"}


async def test_readyz_is_ok_when_every_check_is() -> None:
    assert (await ready(Check("database", True))).status_code == 200


async def test_readyz_names_failed_checks() -> None:
    response = await ready(Check("database", False, "no answer"), Check("files", True))
    assert response.status_code == 503
    assert response.json()["checks"][0] == {"name": "database", "ok": False, "reason": "no answer"}


async def test_a_check_that_crashes_is_not_ready() -> None:
    async def run() -> Sequence[Check]:
        raise OSError("a secret")

    response = await client(_app(run)).get("/readyz")
    assert response.status_code == 503
    assert "secret" not in response.text


def _app(run: ReadinessChecks) -> App:
    return build_app([], Engine.__new__(Engine), settings.load({}), ready=run)
