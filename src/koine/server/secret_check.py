"""Whether the server's keys open what is encrypted, for the start and for `koine doctor`."""

from collections.abc import Iterator

from koine.engine import sealed_secrets
from koine.engine.core.server_keys import load_keys
from koine.engine.sealed_secrets import SealedReport
from koine.kit.amounts import counted
from koine.kit.clock import SystemClock
from koine.kit.settings import BadSetting, Settings
from koine.server.preflight import Finding
from koine.store.core.db import Database

ABOUT = "secrets"
ROTATE = "run `koine secrets rotate` when every node has the newest key"
_SHOWN = 3


async def check_secrets(
    db: Database, settings: Settings, *, thorough: bool = True
) -> list[Finding]:
    """What of a migrated database the keys do not open, and what is left of older keys; nothing is
    changed. `thorough` as in `sealed_secrets.survey`. Raises Unavailable."""
    try:
        keys = await load_keys(db, settings)
    except BadSetting as error:
        return [Finding("problem", ABOUT, str(error), "see docs/secrets.md")]
    if keys is None:
        return []
    report = await sealed_secrets.survey(db, keys, SystemClock().now(), thorough=thorough)
    older = sum(n for id_, n in report.by_key.items() if id_ != keys.sealing.ids[0])
    stored = keys.stored_id is not None and not keys.newest_is_stored
    return [*_unopened(report), *_left(report, older, stored)]


def _unopened(report: SealedReport) -> Iterator[Finding]:
    if not report.unopened_values:
        return
    named = [f"{each.tenant}: {each.kind} {each.name or each.id}" for each in report.unopened]
    more = "; …" if report.unopened_rows > _SHOWN else ""
    values = counted(report.unopened_values, "encrypted value")
    rows = counted(report.unopened_rows, "webhook or inbox", "webhooks and inboxes")
    found = f"no key opens {values} of {rows} ({'; '.join(named[:_SHOWN])}{more})"
    missing = sorted({key for each in report.unopened for key in each.keys})
    needed = f"the key {' or '.join(missing)}" if missing else "the key they were encrypted with"
    advice = (
        f"add {needed} as the last of KOINE_SECRET_KEY; `koine secrets status` lists them; if it "
        "is lost, rotate the secret of each webhook and the HMAC token of each inbox"
    )
    yield Finding("problem", ABOUT, found, advice)


def _left(report: SealedReport, older: int, stored: bool) -> Iterator[Finding]:
    if older or stored:
        found = f"an older key is needed for {counted(older, 'encrypted value')}"
        if stored:
            found += ", and the key that was stored in the database is still there"
        yield Finding("warning", ABOUT, found, ROTATE)
    if report.clear:
        found = f"in clear text: {counted(report.clear, 'HMAC token')} of inboxes"
        advice = (
            "they are encrypted a day after the update; at once by `koine secrets rotate`, when no "
            "node of the version before serves"
        )
        yield Finding("warning", ABOUT, found, advice)
