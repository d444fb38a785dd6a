"""A receiver of Koine's webhooks that does everything once, whatever comes how often.

    SECRET=whsec_… python examples/webhook_consumer.py [port] [database file]

Python's standard library only. Three rules make it right:

1. Believe no one unsigned, and nothing old: `verified`.
2. Note the `webhook-id` and do the work in one transaction: `take`. A second post of the same event
   finds the id and does nothing; a crash in between undoes both.
3. Answer 2xx after the commit, never before. Whatever else you answer, it comes again.
"""

import base64
import hmac
import json
import os
import sqlite3
import sys
import time
from collections.abc import Mapping
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

TOLERANCE_S = 300
"""How far the sender's clock may be from ours."""
TABLES = """
    CREATE TABLE IF NOT EXISTS seen (webhook_id TEXT PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS jobs (number INTEGER PRIMARY KEY, type TEXT, data TEXT);
"""


def open_database(path: str) -> sqlite3.Connection:
    """The database with its tables."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(TABLES)
    return database


def verified(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether whoever knows the secret has signed this body just now (`now` in seconds).

    The names of `headers` are lower-case, or it does not care, as http.server's does not.
    """
    event_id, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent.isdecimal() or abs(now - int(sent)) > TOLERANCE_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mine = hmac.digest(key, f"{event_id}.{sent}.".encode() + body, sha256)
    # While a secret is rotated there are two signatures; one is enough.
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(f"v1,{base64.b64encode(mine).decode()}", s) for s in given)


def take(database: sqlite3.Connection, webhook_id: str, body: bytes) -> bool:
    """Do what an event asks for, once; False when that was done before."""
    database.execute("BEGIN IMMEDIATE")
    try:
        new = database.execute(
            "INSERT INTO seen VALUES (?) ON CONFLICT DO NOTHING", (webhook_id,)
        ).rowcount
        if new:
            work(database, json.loads(body))
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise
    return bool(new)


def work(database: sqlite3.Connection, event: dict[str, Any]) -> None:
    """Your part. What is outside of this database, do from a list in it: `jobs` is one."""
    database.execute(
        "INSERT INTO jobs (type, data) VALUES (?, ?)", (event["type"], json.dumps(event["data"]))
    )


class Receiver(BaseHTTPRequestHandler):
    """Answers one post."""

    protocol_version = "HTTP/1.1"
    secret = ""
    database: sqlite3.Connection

    def do_POST(self) -> None:
        """204 when it is done, 401 for strangers."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        known = verified(self.secret, self.headers, body, time.time())  # type: ignore[arg-type]  # a Message reads like a Mapping
        if known:
            take(self.database, self.headers["webhook-id"], body)
        self.send_response(204 if known else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main(port: str = "9000", path: str = "webhooks.db") -> None:
    """Receive, for ever."""
    Receiver.secret = os.environ["SECRET"]
    Receiver.database = open_database(path)
    HTTPServer(("127.0.0.1", int(port)), Receiver).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:3])
