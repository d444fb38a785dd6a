"""The demonstration's keys and examples as text, for a person to copy from."""

import os
import shlex
import shutil
import sys
from itertools import groupby
from pathlib import Path

import msgspec

from koine.demo import example_calls
from koine.demo.credentials import DemoTenant
from koine.demo.env import variables

CREDENTIALS = {
    "email": "log in at /v1/auth/login",
    "password": "of that e-mail",
    "api_key": "helpdesk",
    "chats_api_key": "chats",
    "inbox_identifier": "inbox",
    "contact_identifier": "a visitor of that inbox",
    "tenant_id": "delivery, beside the token",
    "access_token": "delivery and native, 30 days",
}
"""What the server prints when it starts: names as `koine demo --env` has them, and their use."""


def summary(tenant: DemoTenant, base_url: str, data_dir: str) -> str:
    """What a server prints when it starts: the URL, the credentials, three things to try."""
    values = variables(tenant, base_url)
    rows = [f"  {name:20}{use:30}{values[name]}" for name, use in CREDENTIALS.items()]
    demo = f"{_koine()} demo --data {shlex.quote(data_dir)}"
    lines = [
        "", f"The demonstration is served at {base_url}. Its credentials:", "", *rows,
        "", "Three things to try:", "",
        f"  1. Open {base_url}/docs: every call of every API, to try out.",
        "  2. List what an agent sees:",
        f"     curl -s '{base_url}/api/v1/conversations?limit=1' "
        f"-H 'Authorization: Bearer {values['api_key']}'",
        f"  3. Print a curl for each call: {demo}",
        f'     Have all values as variables: eval "$({demo} --env)"', "",
    ]  # fmt: skip
    return "\n".join(lines)


def all_examples(tenant: DemoTenant, base_url: str, data_dir: str) -> str:
    """Each dialect's credentials and a curl for each of its calls, then how to get them all from
    the data folder."""
    lines: list[str] = []
    examples = groupby(example_calls.examples(tenant, base_url), key=lambda each: each.dialect)
    for dialect, calls in examples:
        lines += ["", f"# ---- {dialect}", *_credentials(tenant, dialect)]
        for call in calls:
            lines += ["", f"# {call.title}", call.command]
    command = f"{_koine()} demo --env --data {shlex.quote(data_dir)}"
    lines += ["", f'# All of it as variables: eval "$({command})"', ""]
    return "\n".join(lines)


def _credentials(tenant: DemoTenant, dialect: str) -> list[str]:
    """What opens the dialect, as comment lines."""
    credentials: dict[str, object] = msgspec.to_builtins(getattr(tenant.credentials, dialect))
    flat: dict[str, object] = {}
    for name, value in credentials.items():
        if isinstance(value, dict):
            flat |= value
        elif name != "deliveries":
            flat[name] = value
    return [f"# {name:18} {value}" for name, value in flat.items()]


def _koine() -> str:
    """How to type `koine` here: by its path where the search path does not have it."""
    ours = Path(sys.executable).with_name("koine")
    found = shutil.which("koine")
    return "koine" if found and Path(found) == ours else shlex.quote(os.path.relpath(ours))
