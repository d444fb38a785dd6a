import re
from importlib.resources import files

import pytest

from tests.http.example_dialect import app, client

PAGE = {file.name: file.read_text() for file in (files("koine.http") / "page").iterdir()}
SCRIPTS = {name: text for name, text in PAGE.items() if name.endswith(".js")}


@pytest.mark.parametrize("path", ["/docs", "/docs/app.js", "/docs/style.css"])
async def test_the_page_is_served_under_a_strict_policy(path: str) -> None:
    response = await client(headers={}).get(path)
    assert response.status_code == 200
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_the_root_redirects_to_the_page() -> None:
    assert (await client().get("/")).headers["location"] == "/docs"


async def test_the_page_can_be_switched_off() -> None:
    closed = client(app(docs_enabled=False))
    for path in ("/docs", "/openapi.json", "/openapi/tiny.json", "/"):
        assert (await closed.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("/docs", "text/html"),
        ("/docs/call.js", "text/javascript"),
        ("/docs/style.css", "text/css"),
        ("/docs/icon.svg", "image/svg+xml"),
    ],
)
async def test_each_file_of_the_page_has_its_type(path: str, media: str) -> None:
    assert (await client(headers={}).get(path)).headers["content-type"].startswith(media)


async def test_every_file_that_the_page_loads_is_served() -> None:
    wanted = re.findall(r'(?:href|src)="(/[^"]+)"', PAGE["index.html"])
    wanted += [f"/docs/{name}" for text in SCRIPTS.values() for name in imports(text)]
    assert len(set(wanted)) >= len(SCRIPTS)
    for path in set(wanted):
        assert (await client(headers={}).get(path)).status_code == 200, path


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_no_script_builds_html_from_data(name: str) -> None:
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert sink not in SCRIPTS[name]


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_no_script_keeps_a_credential_longer_than_the_tab(name: str) -> None:
    for place in ("localStorage", "cookie", "indexedDB"):
        assert place not in SCRIPTS[name]


def imports(script: str) -> list[str]:
    return re.findall(r'from "\./([^"]+)"', script)
