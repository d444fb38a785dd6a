from koine.kit.cache import TTLCache


def full() -> TTLCache[str, int]:
    cache = TTLCache[str, int](2)
    cache.put("a", 1, 10)
    cache.put("b", 2, 10)
    return cache


def test_a_value_is_kept_until_its_time() -> None:
    assert full().get("a", 9) == 1


def test_a_value_is_gone_at_its_time() -> None:
    cache = full()
    assert cache.get("a", 10) is None
    assert len(cache) == 1


def test_the_longest_unused_goes_first() -> None:
    cache = full()
    cache.get("a", 0)
    cache.put("c", 3, 10)
    assert (cache.get("a", 0), cache.get("b", 0), cache.get("c", 0)) == (1, None, 3)


def test_putting_again_replaces() -> None:
    cache = full()
    cache.put("a", 7, 20)
    assert (cache.get("a", 15), len(cache)) == (7, 2)


def test_clear_forgets_everything() -> None:
    cache = full()
    cache.clear()
    assert (cache.get("a", 0), len(cache)) == (None, 0)
