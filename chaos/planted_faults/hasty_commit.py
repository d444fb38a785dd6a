"""Lets PostgreSQL answer a COMMIT before it is on disk, as many a guide to speed advises."""

from koine.server import run
from koine.store.postgres import database

database._SETTINGS["synchronous_commit"] = "off"

if __name__ == "__main__":
    run.main()
