"""Programs of the system that some tests start, and that no wheel brings: nginx, Caddy."""

import os
import shutil
from pathlib import Path

import pytest

LEFT_OUT = "left out: "
"""How the reason of a test begins that is skipped for want of such a program. tests/conftest.py
prints at the end of a run what was left out."""


def program(name: str) -> Path:
    """The path of a program. Where it is missing, the test is skipped; in CI it fails: `.ci/run`
    installs them there."""
    # Servers are in /usr/sbin, which is not on the search path of every account.
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if found is not None:
        return Path(found)
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed")
    pytest.skip(f"{LEFT_OUT}{name} is not installed")
