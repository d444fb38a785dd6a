"""The page at /docs sends requests with `http/page/request.js`, here run by node."""

import asyncio
import json
from pathlib import Path
from typing import Any

import koine.http
from koine.dialects.native import NativeDialect
from tests.cast import Cast
from tests.support import node
from tests.support.live_server import live

REQUEST_JS = Path(koine.http.__file__).parent / "page" / "request.js"
SCRIPT = """
const { send } = await import(process.argv[1]);
const response = await send(JSON.parse(process.argv[2]), 300);
console.log(JSON.stringify(response));
"""


async def send(request: dict[str, Any]) -> Any:
    program = node.wheel() / "bin" / "node"
    arguments = ("--input-type=module", "-e", SCRIPT, REQUEST_JS.as_uri(), json.dumps(request))
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        output, _ = await process.communicate()
    return json.loads(output)


async def test_a_response_is_parsed(cast: Cast) -> None:
    async with live(cast.engine, NativeDialect()) as server:
        me = {"url": f"{server.url}/v1/me", "method": "GET", "headers": cast.bearer("ada")}
        response = await send(me)
    assert (response["status"], response["data"]["user"]["id"]) == (200, cast.acme.id("ada"))


async def test_an_event_stream_is_read_for_a_while_and_not_to_its_end(cast: Cast) -> None:
    async with live(cast.engine, NativeDialect()) as server:
        events = {"url": f"{server.url}/v1/events", "method": "GET", "headers": cast.bearer("ada")}
        response = await send(events)
    assert response["status"] == 200
    assert "event: ready" in response["text"]
