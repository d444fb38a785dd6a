"""Work that goes on after a request ends with the process."""

import asyncio

from koine.kit.background_tasks import BackgroundTasks


async def test_tasks_are_waited_for() -> None:
    tasks, done = BackgroundTasks(), []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append(1)

    tasks.start(work())
    await tasks.wait()
    assert done == [1]


async def test_closing_cancels_what_still_runs() -> None:
    tasks, ended = BackgroundTasks(), []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    tasks.start(work())
    await asyncio.sleep(0)
    await tasks.close()
    assert ended == [1]
