"""The application: every dialect, on one engine."""

from collections.abc import Sequence

from koine.dialects.chats import Chats
from koine.dialects.delivery import Delivery
from koine.dialects.helpdesk import Helpdesk
from koine.dialects.inbox import InboxDialect
from koine.dialects.native import Native
from koine.engine.engine import Engine
from koine.http import app as http
from koine.http.dialect import Dialect
from koine.http.health import Check
from koine.http.ledger import Answers
from koine.model.errors import Unavailable
from koine.store import schema
from koine.store.db import Database


def dialects() -> list[Dialect]:
    """Every dialect the server speaks, in the order they are shown."""
    return [Delivery(), Helpdesk(), Chats(), InboxDialect(), Native()]


def application(engine: Engine) -> http.App:
    """Every dialect, on one engine."""

    async def ready() -> Sequence[Check]:
        return await _checks(engine.db)

    return http.build(dialects(), engine, engine.settings, ready=ready, ledger=Answers(engine))


async def _checks(db: Database) -> list[Check]:
    try:
        await db.ping()
    except Unavailable:
        return [Check("database", False, "the database does not answer")]
    try:
        await schema.check(db)
    except schema.WrongSchema as error:
        return [Check("database", True), Check("schema", False, str(error))]
    return [Check("database", True), Check("schema", True)]
