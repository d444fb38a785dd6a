"""What a Grafana dashboard asks of Prometheus."""

import json
from pathlib import Path

VARIABLES = {"$job": "koine", "$instance": ".*"}


def expressions(path: Path) -> list[str]:
    """Every expression of a dashboard, with its variables filled in."""
    panels = json.loads(path.read_text())["panels"]
    return [filled(each["expr"]) for panel in panels for each in panel.get("targets", [])]


def filled(expression: str, rate_interval: str = "1m") -> str:
    """The expression with the values of the dashboard's variables."""
    for name, value in (VARIABLES | {"$__rate_interval": rate_interval}).items():
        expression = expression.replace(name, value)
    return expression
