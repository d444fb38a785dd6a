from collections.abc import AsyncIterator

import httpx
import pytest

from koine.dialects.native import NativeDialect
from tests.cast import Cast, http


@pytest.fixture
async def api(cast: Cast) -> AsyncIterator[httpx.AsyncClient]:
    """The native API as Ada, who administers Acme, sees it."""
    async with http(cast.engine, NativeDialect()) as client:
        client.headers.update(cast.bearer("ada"))
        yield client
