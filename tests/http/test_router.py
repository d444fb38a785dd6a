import pytest

from koine.http.router import PrefixRouter, Router, split_path


def routed(path: str) -> object:
    router: Router[str] = Router()
    for known in ("/a", "/a/{x}", "/a/fixed", "/a/{x}/b", "/a/fixed/c", "/{y}/z"):
        router.add("GET", known, known)
    methods, values = router.find(split_path(path) or [])
    return (
        (methods["GET"][0], dict(zip(methods["GET"][1], values, strict=True))) if methods else None
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a", ("/a", {})),
        ("/a/", ("/a", {})),
        ("/a/1", ("/a/{x}", {"x": "1"})),
        ("/a/fixed", ("/a/fixed", {})),
        ("/a/fixed/b", ("/a/{x}/b", {"x": "fixed"})),
        ("/a/fixed/c", ("/a/fixed/c", {})),
        ("/q/z", ("/{y}/z", {"y": "q"})),
        ("/a/b%2Fc", ("/a/{x}", {"x": "b/c"})),
        ("/a/%C3%A9", ("/a/{x}", {"x": "é"})),
        ("/a//b", None),
        ("//a", None),
        ("/a/1/2", None),
        ("/", None),
    ],
)
def test_paths_find_their_route(path: str, expected: object) -> None:
    assert routed(path) == expected


def test_a_path_is_taken_once() -> None:
    router: Router[int] = Router()
    router.add("GET", "/a/{x}", 1)
    with pytest.raises(ValueError, match="taken"):
        router.add("GET", "/a/{y}", 2)


def test_the_longest_prefix_wins_by_whole_segments() -> None:
    board: PrefixRouter[str] = PrefixRouter()
    board.add("/api", "short")
    board.add("/api/v1/chats", "long")
    owners = [
        board.find(split_path(path) or []) for path in ("/api/v1/chats/3", "/api/v1/chat", "/ap")
    ]
    assert owners == ["long", "short", None]
