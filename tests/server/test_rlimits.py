"""A server takes all the open files that the system lets it have."""

import resource
from collections.abc import Iterator

import pytest

from koine.server.rlimits import raise_file_limit


@pytest.fixture
def few() -> Iterator[int]:
    """The most that may be asked for, while less is allowed."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1] - 1, before[1]))
    yield before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_becomes_the_hard_limit(few: int) -> None:
    assert raise_file_limit() == few
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == few
    assert raise_file_limit() == few
