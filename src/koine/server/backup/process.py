"""The process of one scheduled backup: `python -m koine.server.backup.process`.

A serving process starts it, so that copying, compressing and hashing take nothing from requests but
what the machine has left: it has the lowest priority. It ends when that process does. It prints one
line, a `BackupOutcome`.
"""

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from threading import Thread
from types import FrameType
from typing import NoReturn

import msgspec
import structlog

from koine.kit import logs
from koine.kit.settings import BadSetting, load
from koine.model.errors import Unavailable
from koine.server.backup.lease import LONGEST_ERROR, BackupOutcome
from koine.server.backup.manifest import BadBackup
from koine.server.backup.run import Reports, StoredBackupError, run_backup
from koine.server.database import StartupError
from koine.store.backup import BackupError, NotVerified

LOWEST_PRIORITY = 19
STOPPED = 143
STOP_SECONDS = 5
"""Seconds that it may take to remove what is half done; the next backup removes the rest."""

_log = structlog.get_logger("koine")


def main() -> None:
    """Make the backup that the settings of the environment describe. The exit code is 1 if
    something went wrong."""
    with suppress(OSError):  # a sandbox may forbid it
        os.nice(LOWEST_PRIORITY)
    signal.signal(signal.SIGTERM, _stop)
    Thread(target=_end_with_parent, name="koine-parent", daemon=True).start()
    logs.configure("warning", json=True)
    outcome = asyncio.run(make_backup())
    sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
    sys.stdout.flush()
    sys.exit(1 if outcome.error else 0)


async def make_backup() -> BackupOutcome:
    """Back up as the settings of the environment say, and say how it went."""
    try:
        settings = load(os.environ)
        made = await run_backup(
            settings,
            settings.backup_to,
            retention=settings.retention(),
            reports=Reports(warned=lambda text: _log.warning("scheduled backup", warning=text)),
        )
        return BackupOutcome(stored=True, backup=made.backup, removed=len(made.removed))
    except (NotVerified, StoredBackupError) as error:
        return _failed(str(error), stored=True)
    except Unavailable:
        return _failed("the database does not answer")
    except (BackupError, BadBackup, BadSetting, StartupError) as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"{error.filename or 'a file'}: {error.strerror or error}")
    except Exception as error:
        _log.exception("a scheduled backup failed unexpectedly")
        return _failed(type(error).__name__)


def _failed(reason: str, *, stored: bool = False) -> BackupOutcome:
    return BackupOutcome(stored=stored, error=logs.redact(reason)[:LONGEST_ERROR])


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """End at the next line of Python, and remove what is half done."""
    raise SystemExit(STOPPED)


def _end_with_parent() -> None:
    """The parent keeps standard input open for as long as it lives."""
    # Not sys.stdin, whose lock the interpreter wants when it ends.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # with pg_dump
    os._exit(STOPPED)


if __name__ == "__main__":
    main()
