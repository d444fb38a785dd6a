from collections.abc import AsyncIterator

import httpx
import pytest

from koine.dialects.native import NativeDialect
from tests.cast import Cast, http


@pytest.fixture
async def api(cast: Cast) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the native API, authenticated as Ada, who administers Acme."""
    async with http(cast.engine, NativeDialect()) as client:
        client.headers.update(cast.bearer("ada"))
        yield client
