"""The demonstration's keys and examples as text, for a person to copy from."""

import shlex
from itertools import groupby

import msgspec

from koine.demo import curls
from koine.demo.doors import Company


def shown(company: Company, base_url: str, data_dir: str) -> str:
    """Each dialect's credentials and a curl for each of its calls, then how to get them all from
    the data folder."""
    lines: list[str] = []
    examples = groupby(curls.examples(company, base_url), key=lambda each: each.dialect)
    for dialect, calls in examples:
        lines += ["", f"# ---- {dialect}", *_credentials(company, dialect)]
        for call in calls:
            lines += ["", f"# {call.title}", call.command]
    command = f"koine demo --env --data {shlex.quote(data_dir)}"
    lines += ["", f'# All of it as variables: eval "$({command})"', ""]
    return "\n".join(lines)


def _credentials(company: Company, dialect: str) -> list[str]:
    """What opens the dialect, as comment lines."""
    door: dict[str, object] = msgspec.to_builtins(getattr(company.doors, dialect))
    flat: dict[str, object] = {}
    for name, value in door.items():
        if isinstance(value, dict):
            flat |= value
        elif name != "deliveries":
            flat[name] = value
    return [f"# {name:18} {value}" for name, value in flat.items()]
