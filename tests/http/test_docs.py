from importlib.resources import files

import pytest

from tests.http.tiny import app, client


@pytest.mark.parametrize("path", ["/docs", "/docs/app.js", "/docs/style.css"])
async def test_the_page_is_served_under_a_strict_policy(path: str) -> None:
    answer = await client(headers={}).get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_the_root_leads_to_the_page() -> None:
    assert (await client().get("/")).headers["location"] == "/docs"


async def test_the_page_can_be_switched_off() -> None:
    closed = client(app(docs_enabled=False))
    for path in ("/docs", "/openapi.json", "/openapi/tiny.json", "/"):
        assert (await closed.get(path)).status_code == 404


def test_the_script_never_makes_html_of_data() -> None:
    script = (files("koine.http") / "page" / "app.js").read_text()
    for door in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert door not in script
