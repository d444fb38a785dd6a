"""Tells its callers that all is well when the commit failed, as a server that swallows errors."""

from koine.server import run
from koine.store.sqlite import database, writer


class Deaf(writer.Writer):
    """Hears no error of the disk once a verb has its result."""

    def _commit_batch(self, jobs: list[writer._Job]) -> None:
        super()._commit_batch(jobs)
        for job in jobs:
            job.error = None if job.result is not None else job.error


database.Writer = Deaf  # type: ignore[attr-defined]  # the fault itself

if __name__ == "__main__":
    run.main()
