import time

from koine.kit.clock import Clock, FakeClock, SystemClock


def test_the_system_clock_returns_microseconds() -> None:
    assert abs(SystemClock().now() - time.time() * 1_000_000) < 1_000_000


def test_a_fake_clock_does_not_advance() -> None:
    clock: Clock = FakeClock(5)
    assert (clock.now(), clock.now()) == (5, 5)


def test_a_fake_clock_is_advanced_explicitly() -> None:
    clock = FakeClock(0)
    assert clock.advance(seconds=1.5) == 1_500_000
    assert clock.now() == 1_500_000
