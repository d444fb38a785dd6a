"""The picture of the dashboard: what is drawn of a panel, and that docs/ has all of them."""

import json
from xml.etree import ElementTree

import pytest

from chaos.alerts import DASHBOARD
from chaos.panels_svg import Series, draw, in_unit
from chaos.servers import ROOT

PICTURE = ROOT / "docs" / "dashboard.svg"
PANELS = json.loads(DASHBOARD.read_text())["panels"]
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_each_panel_is_drawn_with_its_lines_and_names() -> None:
    line = Series("<p99>", [(0.0, 0.5), (2.0, 2.0), (4.0, 2.0), (6.0, 2.0), (20.0, 1.0)])
    svg = draw("Example", [(panel, [line]) for panel in PANELS], (0.0, 60.0))
    assert [each["title"] for each in PANELS if each["title"] not in texts(svg)] == []
    graphs = [each for each in PANELS if each["type"] == "timeseries"]
    lines = list(ElementTree.fromstring(svg).iter(f"{SVG}polyline"))
    # Two of each: it has no values for a while.
    assert len(lines) == 2 * len(graphs)
    assert len(lines[0].attrib["points"].split()) == 3
    assert texts(svg).count("<p99>") == len(graphs) + sum(e["type"] == "stat" for e in PANELS)


def test_the_picture_in_the_docs_has_every_panel_and_no_other() -> None:
    shown = texts(PICTURE.read_text())
    assert [each["title"] for each in PANELS if each["title"] not in shown] == []
    titles = [each for each in ElementTree.parse(PICTURE).iter() if each.get("class") == "title"]
    assert len(titles) == sum(each["type"] != "row" for each in PANELS)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0025, "s", "2.5 ms"), (3.0, "s", "3 s"), (300.0, "s", "5 min"),
        (1536.0, "bytes", "1.5 KiB"), (0.0, "bytes", "0 B"), (0.25, "percentunit", "25 %"),
        (2500.0, "short", "2.5 K"), (7.0, "ops", "7 ops/s"),
    ],
)  # fmt: skip
def test_values_are_printed_in_their_unit(value: float, unit: str, text: str) -> None:
    assert in_unit(value, unit) == text
