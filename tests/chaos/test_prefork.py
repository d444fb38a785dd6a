"""A forked server ends with the process that forked it, even after a kill -9."""

import asyncio
import os
import signal
from pathlib import Path

from chaos.prefork import Prefork
from chaos.servers import Server, ServerHome
from tests.support.processes import is_running


async def test_a_server_does_not_outlive_the_process_that_forked_it(tmp_path: Path) -> None:
    with Prefork() as prefork:
        server = Server(ServerHome(tmp_path), prefork=prefork)
        server.start()
        await server.wait_ready()
        os.kill(prefork.pid, signal.SIGKILL)
        for _ in range(1000):
            if not is_running(server.pid):
                return
            await asyncio.sleep(0.01)
    raise AssertionError("the server still runs")
