"""Responds to each write on SQLite before it is committed."""

import time

from koine.server import run
from koine.store.sqlite import database, writer

COMMIT_DELAY_S = 0.03


class EarlyWriter(writer.Writer):
    """Returns the results to the callers first, and commits afterwards."""

    def _commit_batch(self, jobs: list[writer._Job]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            self._run_in_savepoint(job)
        writer._return_results(jobs, self._committed)
        time.sleep(COMMIT_DELAY_S)
        self._connection.execute("COMMIT")


vars(database)["Writer"] = EarlyWriter

if __name__ == "__main__":
    run.main()
