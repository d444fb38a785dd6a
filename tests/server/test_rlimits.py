"""A server raises its limit of open files to the most that the system allows."""

import resource
from collections.abc import Iterator

import pytest

from koine.server.rlimits import raise_file_limit


@pytest.fixture
def hard_limit() -> Iterator[int]:
    """The hard limit, while the soft limit is lower."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1] - 1, before[1]))
    yield before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_becomes_the_hard_limit(hard_limit: int) -> None:
    assert raise_file_limit() == hard_limit
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard_limit
    assert raise_file_limit() == hard_limit
