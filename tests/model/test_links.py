import pytest

from koine.model.links import is_link


@pytest.mark.parametrize(
    "text", ["http://a.test:8080/é?q=1", "https://a.test", "/files/a/b.png", "HTTPS://a.test"]
)
def test_links_are_of_the_web_or_uploads_of_ours(text: str) -> None:
    assert is_link(text)


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)", "JaVaScript:alert(1)", " javascript:alert(1)", "data:text/html,x",
        "vbscript:x", "//a.test/x", "a.test", "http://", "https:///x", "/etc/passwd",
        "/files/../x", "/files/%2e%2E/x", "/files/a\\..\\x",
        "\x01javascript:x", "java\tscript:x",
        "https://a b", "http://[::1", "http://a:b/", "https://a.test/\nx", "",
    ],
)  # fmt: skip
def test_anything_else_is_no_link(text: str) -> None:
    assert not is_link(text)
