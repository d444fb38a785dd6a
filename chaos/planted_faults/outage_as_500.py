"""Responds with 500 instead of 503 when PostgreSQL is not reachable."""

from koine.server import run
from koine.store.postgres import database


def unchanged(error: BaseException) -> BaseException:
    """Do not map the driver's error to `Unavailable`."""
    return error


vars(database)["to_store_error"] = unchanged

if __name__ == "__main__":
    run.main()
