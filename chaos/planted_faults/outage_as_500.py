"""Takes a lost PostgreSQL for a fault of its own, and answers so."""

from koine.server import run
from koine.store.postgres import database


def as_it_is(error: BaseException) -> BaseException:
    """What the caller is told: whatever came."""
    return error


vars(database)["to_store_error"] = as_it_is

if __name__ == "__main__":
    run.main()
