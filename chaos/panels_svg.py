"""Draws the panels of a Grafana dashboard as SVG, in the dashboard's places, units and colours."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from msgspec import Struct

Points = list[tuple[float, float]]
WIDTH, ROW, GAP, TITLE = 1440, 25, 6, 56
"""Pixels: the whole picture, a unit of the grid, between panels, above them."""
COLUMN = WIDTH / 24
COLORS = (
    "#3b8132", "#c78a00", "#1f6fb5", "#c4412d", "#7a4fa3", "#0a8f8f", "#b5478c", "#7a7a2b",
)  # fmt: skip
STAT_COLORS = {"green": "#3b8132", "orange": "#d9730d", "red": "#c4162a"}
GAP_S = 3.0
"""Seconds without a value after which a line begins anew."""
LEGEND_CHARACTERS = 1 / 6.2
"""Letters of a legend in a pixel."""
_STYLE = """
text { font: 11px system-ui, sans-serif; fill: #555 }
.title { font-weight: 600; fill: #222; font-size: 12px }
.row { font-weight: 600; fill: #222; font-size: 14px }
.stat { font-size: 26px; font-weight: 600; text-anchor: middle }
.name { text-anchor: middle }
.y { text-anchor: end; font-size: 10px }
.x { text-anchor: middle; font-size: 10px }
polyline { fill: none; stroke-width: 1.3; stroke-linejoin: round }
"""


class Series(Struct, frozen=True):
    """A line of a panel, or the number of one: its legend, and values by Unix time."""

    name: str
    points: Points


def draw(
    title: str, panels: Sequence[tuple[dict[str, Any], list[Series]]], span: tuple[float, float]
) -> str:
    """The picture: each panel, as the dashboard's JSON has it, with its series; `span` is the time
    (Unix seconds) of the left and right edges."""
    height = TITLE + max(_bottom(panel) for panel, _ in panels) * ROW + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">',
        f"<style>{_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#f4f5f5"/>',
        f'<text class="row" x="{GAP}" y="34">{escape(title)}</text>',
    ]
    for panel, series in panels:
        draw_one = _KINDS[panel["type"]]
        at = panel["gridPos"]
        x, y = at["x"] * COLUMN + GAP / 2, TITLE + at["y"] * ROW + GAP / 2
        parts.append(f'<g transform="translate({x:.0f} {y:.0f})">')
        parts += draw_one(panel, series, at["w"] * COLUMN - GAP, at["h"] * ROW - GAP, span)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def in_unit(value: float, unit: str) -> str:
    """A value as Grafana prints it in a unit of its own: `s`, `bytes`, `percentunit`, …"""
    match unit:
        case "s" if value >= 7200:
            return f"{value / 3600:.3g} h"
        case "s" if value >= 120:
            return f"{value / 60:.3g} min"
        case "s":
            return f"{value:.3g} s" if value >= 1 or value == 0 else f"{value * 1000:.3g} ms"
        case "percentunit":
            return f"{value * 100:.3g} %"
        case "bytes":
            return _size(value)
    per_second = {"reqps": " req/s", "ops": " ops/s"}.get(unit, "")
    return f"{value / 1000:.3g} K{per_second}" if value >= 1000 else f"{value:.3g}{per_second}"


def _size(value: float) -> str:
    steps = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B"))
    size, name = next((each for each in steps if value >= each[0]), steps[-1])
    return f"{value / size:.3g} {name}"


def _bottom(panel: dict[str, Any]) -> int:
    return int(panel["gridPos"]["y"] + panel["gridPos"]["h"])


def _row(panel: dict[str, Any], _series: list[Series], *_: object) -> list[str]:
    return [f'<text class="row" x="4" y="16">{escape(panel["title"])}</text>']


def _frame(panel: dict[str, Any], width: float, height: float) -> list[str]:
    return [
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="2" fill="#fff" stroke="#ddd"/>',
        f'<text class="title" x="8" y="17">{escape(panel["title"])}</text>',
    ]


def _stat(
    panel: dict[str, Any], series: list[Series], width: float, height: float, *_: object
) -> list[str]:
    parts = _frame(panel, width, height)
    defaults = panel["fieldConfig"]["defaults"]
    for n, each in enumerate(series):
        value = each.points[-1][1]
        steps = defaults["thresholds"]["steps"]
        color = [s["color"] for s in steps if s["value"] is None or value >= s["value"]][-1]
        x, y = width * (2 * n + 1) / (2 * len(series)), height / 2 + 16
        style = f'style="fill: {STAT_COLORS[color]}"'
        text = escape(in_unit(value, defaults["unit"]))
        parts.append(f'<text class="stat" x="{x:.0f}" y="{y:.0f}" {style}>{text}</text>')
        if each.name:
            parts.append(
                f'<text class="name" x="{x:.0f}" y="{y + 18:.0f}">{escape(each.name)}</text>'
            )
    return parts


def _graph(
    panel: dict[str, Any],
    series: list[Series],
    width: float,
    height: float,
    span: tuple[float, float],
) -> list[str]:
    defaults = panel["fieldConfig"]["defaults"]
    # Those that are always zero come last: the first ones have a place in the legend.
    series = sorted(series, key=lambda each: not any(value for _, value in each.points))
    if defaults["custom"]["stacking"]["mode"] == "normal":
        series = _stacked(series)
    left, right, top, bottom = 62.0, width - 26, 30.0, height - 40
    most = max([value for each in series for _, value in each.points] + [0.0]) * 1.05 or 1.0
    parts = _frame(panel, width, height)
    for share in (0.0, 0.5, 1.0):
        y, x = bottom - share * (bottom - top), left + share * (right - left)
        parts.append(f'<path d="M{left:.0f} {y:.0f}H{right:.0f}" stroke="#e5e5e5"/>')
        label = escape(in_unit(share * most, defaults["unit"]))
        parts.append(f'<text class="y" x="{left - 5:.0f}" y="{y + 3:.0f}">{label}</text>')
        minutes = f"{share * (span[1] - span[0]) / 60:.2g} min"
        parts.append(f'<text class="x" x="{x:.0f}" y="{bottom + 13:.0f}">{minutes}</text>')
    scale = (right - left) / (span[1] - span[0])
    for n, each in enumerate(series):
        for line in _without_gaps(each.points):
            places = [
                (
                    f"{left + (at - span[0]) * scale:.0f}",
                    f"{bottom - v / most * (bottom - top):.1f}",
                )
                for at, v in line
            ]
            # A point between two of the same height changes nothing.
            ends = [places[0], *places, places[-1]]
            drawn = [
                f"{here[0]},{here[1]}"
                for before, here, after in zip(ends, places, ends[2:], strict=False)
                if here in (ends[0], ends[-1]) or not before[1] == here[1] == after[1]
            ]
            color = COLORS[n % len(COLORS)]
            parts.append(f'<polyline stroke="{color}" points="{" ".join(drawn)}"/>')
    return [*parts, *_legend([each.name for each in series], width, height)]


_KINDS: dict[str, Callable[..., list[str]]] = {"row": _row, "stat": _stat, "timeseries": _graph}


def _without_gaps(points: Points) -> list[Points]:
    """The lines of a series: it has none where it had no value for some seconds."""
    lines: list[Points] = []
    for each in points:
        if not lines or each[0] - lines[-1][-1][0] > GAP_S:
            lines.append([])
        lines[-1].append(each)
    return lines


def _legend(names: list[str], width: float, height: float) -> list[str]:
    """The names on one line, as many as fit."""
    parts: list[str] = []
    x, y = 8.0, height - 9
    for n, name in enumerate(names):
        needed = 16 + len(name) / LEGEND_CHARACTERS
        if x + needed > width - 8:
            parts.append(f'<text x="{x:.0f}" y="{y:.0f}">+{len(names) - n}</text>')
            break
        color = COLORS[n % len(COLORS)]
        parts.append(f'<path d="M{x:.0f} {y - 4:.0f}h9" stroke="{color}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 12:.0f}" y="{y:.0f}">{escape(name)}</text>')
        x += needed
    return parts


def _stacked(series: list[Series]) -> list[Series]:
    """Each line on top of those before it."""
    below: dict[float, float] = {}
    stacked = []
    for each in series:
        points = [(at, value + below.get(at, 0.0)) for at, value in each.points]
        below |= dict(points)
        stacked.append(Series(each.name, points))
    return stacked
