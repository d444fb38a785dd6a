"""Lets PostgreSQL acknowledge a COMMIT before it is on disk, as many performance guides advise."""

from koine.server import run
from koine.store.postgres import database

database._SETTINGS["synchronous_commit"] = "off"

if __name__ == "__main__":
    run.main()
