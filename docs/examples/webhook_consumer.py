"""A receiver of Koine's webhooks that processes each once, with only Python's standard library.

    WEBHOOK_SECRET=whsec_… python webhook_consumer.py 9000 effects.db

Deliveries may come twice, late, or in another order. So the id of each is stored in the same
transaction as its effect: a known id changes nothing, and the response is 200 again.
"""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import time
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_S = 5 * 60
LARGEST = 1 << 20


def verify(secret, headers, body, now=None):
    """Whether Koine sent this, recently. `secret` is `whsec_…`; while it is rotated a delivery has
    two signatures, and one valid signature is enough."""
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not stamp.isdigit() or abs((now or time.time()) - int(stamp)) > TOLERANCE_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{stamp}.".encode() + body
    mine = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [part.partition(",") for part in headers.get("webhook-signature", "").split()]
    return any(v == "v1" and hmac.compare_digest(mine, theirs) for v, _, theirs in given)


def count(database, event):
    """The effect of this example: count messages by conversation. Put yours here; for effects
    outside of the database, write a list of them into it and work that off."""
    if event["type"] == "message.created":
        database.execute(
            "INSERT INTO messages VALUES (?, 1)"
            " ON CONFLICT (conversation) DO UPDATE SET count = count + 1",
            (event["conversation_id"],),
        )


class Effects:
    """A database in which `effect` was applied exactly once for each id."""

    def __init__(self, path, effect=count):
        self.database = sqlite3.connect(path, isolation_level=None, timeout=10)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY)")
        self.database.execute(
            "CREATE TABLE IF NOT EXISTS messages (conversation TEXT PRIMARY KEY, count INTEGER)"
        )
        self._effect = effect

    def take(self, message_id, event):
        """Apply the effect unless it was applied before; returns whether the id was new."""
        self.database.execute("BEGIN IMMEDIATE")
        try:
            new = self.database.execute(
                "INSERT INTO seen VALUES (?) ON CONFLICT DO NOTHING", (message_id,)
            ).rowcount
            if new:
                self._effect(self.database, event)
            self.database.execute("COMMIT")
        except BaseException:
            self.database.execute("ROLLBACK")
            raise
        return bool(new)

    def close(self):
        """Close the database."""
        self.database.close()


class Receiver(BaseHTTPRequestHandler):
    """Accepts deliveries at any path."""

    protocol_version = "HTTP/1.1"
    secret = ""
    path_of_effects = ""

    def do_POST(self):
        """200: processed, now or before; 401: not from Koine; 500: asks for a retry."""
        size = int(self.headers.get("content-length", 0))
        if size > LARGEST:
            self._answer(413)
            return
        body = self.rfile.read(size)
        if not verify(self.secret, self.headers, body):
            print("refused: signature", flush=True)
            self._answer(401)
            return
        try:
            with closing(Effects(self.path_of_effects)) as effects:
                event = json.loads(body)
                new = effects.take(self.headers["webhook-id"], event)
        except sqlite3.Error as error:
            print(f"failed: {self.path_of_effects}: {error}", flush=True)
            self._answer(500)
            return
        self._answer(200)
        print(self.headers["webhook-id"], event["type"], "done" if new else "known", flush=True)

    def _answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Log nothing: bodies and paths are confidential."""


def serve(port, path, secret):
    """A server on this machine's `port`, writing to the database at `path`."""
    handler = type("Bound", (Receiver,), {"secret": secret, "path_of_effects": path})
    return ThreadingHTTPServer(("127.0.0.1", port), handler)


if __name__ == "__main__":
    secret = os.environ.get("WEBHOOK_SECRET")
    if not secret:
        sys.exit("set WEBHOOK_SECRET to the secret of the webhook endpoint")
    server = serve(int(sys.argv[1]), sys.argv[2], secret)
    with suppress(KeyboardInterrupt):
        print(f"taking webhooks at http://127.0.0.1:{sys.argv[1]}/", flush=True)
        server.serve_forever()
