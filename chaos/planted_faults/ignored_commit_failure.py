"""Returns success to the callers although the commit failed: a server that swallows errors."""

from koine.server import run
from koine.store.sqlite import database, writer


class ErrorIgnoringWriter(writer.Writer):
    """Drops the error of the commit for each job that already had a result."""

    def _commit_batch(self, jobs: list[writer._Job]) -> None:
        super()._commit_batch(jobs)
        for job in jobs:
            job.error = None if job.result is not None else job.error


database.Writer = ErrorIgnoringWriter  # type: ignore[attr-defined]  # the fault itself

if __name__ == "__main__":
    run.main()
