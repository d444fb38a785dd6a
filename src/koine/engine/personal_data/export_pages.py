"""The pages of an export that people read: HTML without scripts, styles of their own, no links to
other places. Pure functions."""

from collections.abc import Iterable, Mapping
from html import escape

from koine.engine.personal_data.export_records import ExportedConversation, ExportedMessage

_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid #ccc}"
    "article{border-left:4px solid #ccc;margin:1rem 0;padding:.1rem 1rem}"
    "article.own{border-color:#36c}"
    "pre,p{white-space:pre-wrap;overflow-wrap:anywhere;margin:.3rem 0}"
    "small{color:#555}"
)
END = "</main></body></html>\n"


def start(title: str) -> str:
    """The beginning of a page."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{escape(title)}</h1>"
    )


def section(title: str, rows: Iterable[Mapping[str, object]]) -> str:
    """A table of rows with the same keys; a sentence where there is none."""
    every = list(rows)
    if not every:
        return f"<h2>{escape(title)}</h2><p>None.</p>"
    head = "".join(f"<th>{escape(_words(name))}</th>" for name in every[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row.values()) + "</tr>"
        for row in every
    )
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table>"


def profile(values: Mapping[str, object]) -> str:
    """A table of names and values, those that are set."""
    rows = "".join(
        f"<tr><th>{escape(_words(name))}</th><td>{_cell(value)}</td></tr>"
        for name, value in values.items()
        if value not in (None, "", {}, [])
    )
    return f"<table>{rows}</table>"


def conversation_link(c: ExportedConversation, path: str) -> str:
    """A row of the list of conversations."""
    return (
        f'<li><a href="{escape(path)}">{escape(c.title or f"Conversation {c.number}")}</a> '
        f"<small>{escape(c.created_at)}, {c.messages} messages</small></li>"
    )


def message(m: ExportedMessage) -> str:
    """One message."""
    files = "".join(
        f'<p><a href="../{escape(f.path)}">{escape(f.name)}</a></p>'
        if f.path
        else f"<p>{escape(f.name)}</p>"
        for f in m.files
    )
    link = f"<p>{escape(m.content_url)}</p>" if m.content_url else ""
    answers = f"<pre>{_cell(m.answers)}</pre>" if m.answers else ""
    return (
        f'<article class="{"own" if m.own else "other"}"><small>{escape(m.sender)}, '
        f"{escape(m.sent_at)}</small><p>{escape(m.content or '')}</p>{link}{files}{answers}"
        "</article>"
    )


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _cell(value: object) -> str:
    return "" if value is None else escape(str(value))
