"""The files of deploy/prometheus and deploy/grafana are valid and name only metrics that exist."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from koine.kit import metrics
from tests.support import prometheus
from tests.support.dashboard import expressions

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
SCRAPING = ROOT / "deploy" / "prometheus" / "prometheus.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "koine.json"
UNIT_TESTS = [ROOT / "tests" / "prometheus" / f"{name}_test.yaml" for name in ("alerts", "backups")]
MONITORING = ROOT / "docs" / "monitoring.md"
OF_PROCESS = {"cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds"}


def rules() -> list[dict[str, Any]]:
    (group,) = msgspec.yaml.decode(RULES.read_bytes())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def series() -> set[str]:
    """The name of every series that a server has."""
    names = {f"koine_process_{name}" for name in OF_PROCESS}
    for name, kind, _, _ in metrics.instruments():
        parts = ("_bucket", "_count", "_sum") if kind == "histogram" else ("",)
        names |= {f"{name}{part}" for part in parts}
    return names


def labels() -> dict[str, set[str]]:
    """The labels of every series, by its name."""
    found: dict[str, set[str]] = {}
    for name, kind, own, _ in metrics.instruments():
        for part in ("_bucket", "_count", "_sum") if kind == "histogram" else ("",):
            found[name + part] = {*own, *(("le",) if part == "_bucket" else ())}
    return found


def named(expression: str) -> set[str]:
    return set(re.findall(r"\bkoine_\w+", expression))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_names_metrics_that_exist(rule: dict[str, Any]) -> None:
    assert named(rule["expr"]) <= series()


def test_the_dashboard_names_metrics_that_exist_and_shows_most_of_them() -> None:
    shown = set().union(*map(named, expressions(DASHBOARD)))
    assert len(shown) > 40
    assert shown - series() == set()


@pytest.mark.parametrize("text", [*expressions(DASHBOARD), *(rule["expr"] for rule in rules())])
def test_labels_in_a_selector_are_those_of_the_metric(text: str) -> None:
    known = labels()
    for name, selector in re.findall(r"\b(koine_\w+)\{([^}]*)\}", text):
        used = set(
            re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", re.sub(r"`[^`]*`|\"[^\"]*\"", "", selector))
        )
        assert used - {"job", "instance"} <= known.get(name, set()), (name, used)


def test_the_dashboard_can_be_imported() -> None:
    found = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in found["panels"]]
    assert len(ids) == len(set(ids)) and found["uid"] == "koine"
    assert all(
        "${datasource}" in json.dumps(panel) for panel in found["panels"] if panel["type"] != "row"
    )


def test_every_alert_says_what_happened_what_to_do_and_how_urgent_it_is() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"].keys() == {"summary", "description"}


def test_every_alert_is_in_the_docs() -> None:
    rows = re.findall(r"^\| `(Koine\w+)` \| (\w+) \|", MONITORING.read_text(), re.MULTILINE)
    assert rows == [(rule["alert"], rule["labels"]["severity"]) for rule in rules()]


def test_rules_and_the_scrape_configuration_are_valid() -> None:
    checked = prometheus.promtool("check", "config", SCRAPING)
    assert checked.returncode == 0, checked.stdout
    assert f"{len(rules())} rules found" in checked.stdout


def test_each_alert_fires_for_its_series_and_none_for_those_of_a_healthy_server() -> None:
    done = prometheus.promtool("test", "rules", *UNIT_TESTS)
    assert done.returncode == 0, done.stdout
    text = "".join(each.read_text() for each in UNIT_TESTS)
    assert [rule["alert"] for rule in rules() if f'alertname="{rule["alert"]}"' not in text] == []


def test_a_rule_that_does_not_fire_is_found(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "deploy" / "prometheus").mkdir(parents=True)
    planted = RULES.read_text().replace("koine_bus_connected == 0", "koine_bus_connected == 2")
    (tmp_path / "deploy" / "prometheus" / "alerts.yaml").write_text(planted)
    copy = tmp_path / "a" / "b" / "alerts_test.yaml"
    text = msgspec.yaml.decode(UNIT_TESTS[0].read_bytes())
    text["tests"] = [each for each in text["tests"] if "KoineBusDisconnected" in str(each)]
    copy.write_bytes(msgspec.yaml.encode(text))
    done = prometheus.promtool("test", "rules", copy)
    assert done.returncode != 0 and "KoineBusDisconnected" in done.stdout
