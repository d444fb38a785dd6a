from tests.http.example_dialect import client


async def test_options_names_the_methods_of_a_path() -> None:
    response = await client().options("/tiny/things")
    assert (response.status_code, response.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert "access-control-allow-origin" not in response.headers


async def test_options_of_no_path_is_a_404() -> None:
    assert (await client().options("/tiny/nothing")).status_code == 404


async def test_a_page_of_any_origin_may_call_an_open_dialect() -> None:
    asked = {
        "Origin": "https://shop.test",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization, x-any",
    }
    response = await client(headers={}).options("/tiny/open/thing", headers=asked)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-headers"] == "authorization, x-any"
    assert "access-control-allow-credentials" not in response.headers


async def test_answers_and_refusals_of_an_open_dialect_are_readable() -> None:
    for path in ("/tiny/open/thing", "/tiny/open/nothing"):
        assert (await client().get(path)).headers["access-control-allow-origin"] == "*"


async def test_the_other_dialect_stays_closed() -> None:
    response = await client().get("/tiny/things", headers={"Origin": "https://shop.test"})
    assert "access-control-allow-origin" not in response.headers
